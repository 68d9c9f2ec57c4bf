"""The HTML page: complete in itself, well formed, and nothing in the rows can break out of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from finetune.report import folder, page
from tests.unit.test_report_folder import LABELS, SECRET, export, image_run, metrics, recipe, text_run

VOID = {"meta", "img", "br", "hr", "link", "input"}
SECTIONS = ["look", "scores", "figures", "cleaning", "gaps", "export", "settings", "machine"]


class Outline(HTMLParser):
    """Tags as they open and close, ids, addresses and the visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} closes what is not open at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def outline(run_dir: Path) -> Outline:
    parsed = Outline()
    parsed.feed(page.write(run_dir).read_text(encoding="utf-8"))
    parsed.close()
    return parsed


def words(run_dir: Path) -> str:
    return " ".join(" ".join(outline(run_dir).text).split())


@pytest.mark.parametrize("make", [text_run, image_run, lambda run_dir: run_dir])
def test_every_page_is_well_formed(tmp_path: Path, make: object) -> None:
    parsed = outline(make(tmp_path))  # type: ignore[operator]
    assert (parsed.faults, parsed.open) == ([], [])
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert [name for name in ids if name in SECTIONS] == SECTIONS
    assert len(set(ids)) == len(ids)
    names = [tag for tag, _ in parsed.tags]
    assert names[:2] == ["html", "head"]
    assert (names.count("h1"), names.count("title"), names.count("main")) == (1, 1, 1)


def test_the_page_fetches_nothing_and_runs_nothing(tmp_path: Path) -> None:
    parsed = outline(text_run(tmp_path))
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base"}
    addresses = [value or "" for _, attributes in parsed.tags for name, value in attributes.items()
                 if name in ("src", "href", "srcset", "action")]
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in addresses)
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    style = page.write(tmp_path).read_text().partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"url\(|@import|https?:", style)


def test_every_picture_has_a_size_and_words_in_its_place(tmp_path: Path) -> None:
    pictures = [attributes for tag, attributes in outline(text_run(tmp_path)).tags if tag == "img"]
    assert len(pictures) == 7
    assert all(picture["alt"] and picture["width"] == "664" and int(picture["height"] or 0) > 100 for picture in pictures)


def test_text_of_rows_stays_text(tmp_path: Path) -> None:
    source = page.write(text_run(tmp_path)).read_text(encoding="utf-8")
    assert "<script>" not in source
    assert source.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; the waiter laughed") == 5 + 3  # mistakes, and what the model sees
    assert SECRET in " ".join(outline(tmp_path).text)


def test_labels_names_and_notes_are_escaped_everywhere(tmp_path: Path) -> None:
    evil = '"><img src=x onerror=alert(1)>'
    measured = metrics([evil, *LABELS[1:]], [[64, 4, 7], [12, 11, 7], [5, 3, 67]]) | {"recipe": evil, "notes": [evil]}
    measured["backbone"]["name"] = evil
    parsed = outline(text_run(tmp_path, metrics=measured, recipe=recipe() | {"command": evil}))
    assert parsed.faults == []
    assert not [tag for tag, attributes in parsed.tags if "onerror" in attributes]


def test_the_verdict_stands_before_everything_else(tmp_path: Path) -> None:
    found = words(text_run(tmp_path))
    places = [found.index(text) for text in ("78.9%", "+4.5 points", "ONNX fp32", "overfits", "F1 (macro)",
                                             "How training went", "96 dropped", "only reported", "Speed-up", "seed")]
    assert places == sorted(places)


def test_intervals_do_not_break_in_the_middle(tmp_path: Path) -> None:
    assert "78.9% (72.9\u00a0to\u00a084.9%)" in page.write(text_run(tmp_path)).read_text(encoding="utf-8")


def test_an_empty_run_says_what_was_not_done(tmp_path: Path) -> None:
    found = words(tmp_path)
    assert "Not done: the model was not evaluated." in found
    assert "Not done: the rows were not cleaned." in found
    assert "Not done: the model was not exported." in found
    assert "The run has no scores yet." in found


@pytest.mark.parametrize("part", folder.PARTS.values())
def test_a_run_without_one_of_its_files_still_has_a_report(tmp_path: Path, part: str) -> None:
    (text_run(tmp_path) / part).unlink()
    assert f"({part})" in words(tmp_path)


@pytest.mark.parametrize("part", folder.PARTS.values())
def test_a_run_with_a_damaged_file_still_has_a_report(tmp_path: Path, part: str) -> None:
    (text_run(tmp_path) / part).write_text('{"event": "st')
    assert f"{part}" in words(tmp_path)


def test_settings_are_said_to_differ_only_where_the_defaults_are_known(tmp_path: Path) -> None:
    assert "Settings that differ from the defaults" in words(text_run(tmp_path))
    values = {key: entry for key, entry in recipe()["values"].items() if entry["from"] != "default"}
    assert "differ from the defaults" not in words(text_run(tmp_path, recipe=recipe() | {"values": values}))


def test_a_lone_surrogate_does_not_end_the_report(tmp_path: Path) -> None:
    wrong = [{"row": "a:1", "label": "x", "prediction": "y", "probability": 0.9, "text": "half \ud83d pair"}]
    assert "half ? pair" in words(text_run(tmp_path, mistakes=wrong))


def test_the_same_run_gives_the_same_page_and_leaves_no_drafts(tmp_path: Path) -> None:
    first = page.write(text_run(tmp_path)).read_bytes()
    assert page.write(tmp_path).read_bytes() == first
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_what_happened_in_training_is_told_in_words(tmp_path: Path) -> None:
    found = words(text_run(tmp_path))
    assert "early, since no evaluation had a better score for long" in found
    assert "fp32 (bf16 took 1.31 times as long on this machine)" in found
    assert "6 min 53 s" in found


def test_a_model_that_was_withheld_is_named_in_the_export_table(tmp_path: Path) -> None:
    assert "reference pass withheld" in words(text_run(tmp_path, export=export()))
