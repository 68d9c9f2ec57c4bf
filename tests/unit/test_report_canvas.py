"""The look that all figures share, and how labels are named in them."""

from __future__ import annotations

import matplotlib
import pytest

from finetune.report import canvas


def test_a_long_label_keeps_both_ends() -> None:
    assert canvas.names(["complaint about the delivery, very late"], 22) == ["complaint abou\N{HORIZONTAL ELLIPSIS}ry late"]


def test_labels_that_shorten_alike_are_numbered() -> None:
    names = canvas.names([f"{'a' * 20} {middle} {'z' * 20}" for middle in "xy"])
    assert len(set(names)) == 2
    assert [name[-2:] for name in names] == ["#0", "#1"]


def test_a_label_in_one_line_has_no_line_breaks() -> None:
    assert canvas.names(["two\n  lines"]) == ["two lines"]


@pytest.mark.parametrize("label", ["\u6b63\u9762", "\U0001f9a5", "", "  "])
def test_a_label_that_the_font_lacks_is_numbered_and_explained(label: str) -> None:
    assert canvas.names(["good", label]) == ["good", "#1"]
    assert canvas.key(["good", label]) == f" Labels that the font lacks are numbered: #1 {label}."


def test_accents_and_other_alphabets_are_drawn_as_they_are() -> None:
    labels = ["caf\u00e9", "\u043f\u043b\u043e\u0445\u043e", "\u03ba\u03b1\u03bb\u03cc"]
    assert canvas.names(labels) == labels
    assert canvas.key(labels) == ""


def test_the_look_ends_with_its_block() -> None:
    before = matplotlib.rcParams.copy()
    with canvas.look():
        assert matplotlib.rcParams["text.parse_math"] is False
    assert matplotlib.rcParams.copy() == before
