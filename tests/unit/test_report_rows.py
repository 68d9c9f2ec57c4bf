"""The section on the rows: what it says, what it shows, and what it leaves out."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.report import data_tables, folder, page, public, shown_rows
from finetune.report.observations import observations
from finetune.report.verdict import of_rows
from tests.unit.surveyed import compared, picture, survey
from tests.unit.test_report_folder import LABELS, SECRET, image_run, quality, recipe, text_run, write
from tests.unit.test_report_page import outline, words


def only_cleaned(run_dir: Path, found: dict[str, Any] | None = None) -> Path:
    return write(run_dir, {"recipe.json": recipe(), "data/quality.json": found or survey(LABELS)})


def read(run_dir: Path, **parts: Any) -> folder.Run:
    return folder.read(only_cleaned(run_dir, quality(LABELS) | parts))


def test_everything_the_survey_found_is_on_the_page(tmp_path: Path) -> None:
    found = words(text_run(tmp_path, quality=survey(LABELS)))
    for text in ("warn language 9 reported of 926 training rows (reviews.csv:731, 735 and 7 more) Judge them in data/review.csv.",
                 "36 of 900 labels (4.0%) are suspected", "negative \u2192 positive (97%)", "2 of 900 rows (0.2%) lie far", "distance 0.900",
                 "12 nearly equal rows in train: reviews.csv:740, 741 and 10 more", "2 equal rows in test: a.csv:750, b.csv:751",
                 "Class weights gain 4 points. Set train.class_weights=balanced", "65.1% (62.0\u00a0to\u00a068.0%)".replace("\u00a0", " "),
                 "differ: median 40 against 90.5", "differ: 'negative' 60% against 31%"):
        assert text in found, text


def test_page_of_cleaned_rows_has_no_empty_places_for_a_model(tmp_path: Path) -> None:
    parsed = outline(only_cleaned(tmp_path))
    text = " ".join(parsed.text)
    assert (parsed.faults, parsed.open) == ([], [])
    ids = [attributes.get("id") for tag, attributes in parsed.tags if tag == "section"]
    assert ids == ["look", "data", "cleaning", "gaps", "settings", "machine"]
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    assert links == [f"#{name}" for name in ids]
    assert "Not done:" not in text and "was not exported" not in text
    assert "sentiment: data report" in text


def test_cleaned_rows_are_judged_by_what_was_kept_checked_and_compared(tmp_path: Path) -> None:
    kept, checked, likeness = of_rows(folder.read(only_cleaned(tmp_path)))
    assert (kept.question, kept.detail) == ("Training rows kept", "1,181 of 1,280 rows; 215 cells repaired")
    assert (checked.answer, checked.detail, checked.standing) == ("1 warn", "1 good", "unsure")
    assert (likeness.answer, likeness.detail, likeness.standing) == ("differ", "in 2 of 4 tests of sizes and kinds", "unsure")


def test_splits_that_are_alike_are_good(tmp_path: Path) -> None:
    run = read(tmp_path, distributions=[compared("words", ["train", "test"], 0.02, 1.0)])
    assert (of_rows(run)[2].answer, of_rows(run)[2].standing) == ("alike", "good")
    assert of_rows(read(tmp_path))[2].answer == "not compared"


@pytest.mark.parametrize(("effect", "p", "verdict"), [
    (0.5, 1e-9, "differ: median 40 against 90.5"), (0.04, 1e-9, "alike: the difference is significant, but small"),
    (0.3, 0.4, "alike, as far as so few rows can tell"), (0.04, 0.4, "alike"),
])
def test_verdict_on_two_splits_says_what_may_be_said(effect: float, p: float, verdict: str) -> None:
    assert data_tables.judged(compared("words", ["train", "test"], effect, p)) == verdict


def test_what_differs_comes_first_in_the_table(tmp_path: Path) -> None:
    table = data_tables.likeness(folder.read(only_cleaned(tmp_path)))
    assert table is not None
    assert [(row[0], row[1], row[3], row[4]) for row in table.rows] == [
        ("words", "train and test", "51%", "under 0.001"), ("labels", "train and test", "30%", "0.004"),
        ("words", "train and validation", "4.0%", "1.00"), ("characters", "train and test", "2.0%", "0.010")]


def test_unlike_splits_and_suspects_are_what_to_look_at_first(tmp_path: Path) -> None:
    found = [line.text for line in observations(folder.read(text_run(tmp_path, quality=survey(LABELS)))) if line.level == "warning"]
    assert any(text.startswith("Train and test rows are not alike (words: median 40 against 90.5).") for text in found)
    assert any(text.startswith("36 of 900 labels (4.0%) are suspected to be wrong.") for text in found)


def test_channels_are_told_by_split_and_as_a_sample(tmp_path: Path) -> None:
    table = data_tables.channels(folder.read(image_run(tmp_path)))
    assert table is None
    table = data_tables.channels(folder.read(only_cleaned(tmp_path, survey(LABELS, images=True))))
    assert table is not None
    assert list(table.rows[0]) == ["train", "0.500 (0.100)", "0.250 (0.200)", "0.125 (0.300)", "400 of 2,000"]


def test_labels_that_nobody_checked_are_said_to_be_so(tmp_path: Path) -> None:
    found = words(only_cleaned(tmp_path, quality(LABELS) | {"suspects": {"checked": 0, "found": 0, "examples": [], "by_label": {}, "not_judged": "too few rows"}}))
    assert "Not done: the labels were not checked: too few rows." in found


def test_pictures_are_small_and_anything_else_in_their_place_is_not_fetched(tmp_path: Path) -> None:
    found = survey(LABELS, images=True)
    found["suspects"]["examples"][0]["image"] = "https://example.com/track.png"
    found["suspects"]["examples"][1]["image"] = "data:image/svg+xml;base64,AAAA"
    parsed = outline(only_cleaned(tmp_path, found))
    small = [attributes for tag, attributes in parsed.tags if tag == "img" and attributes["width"] == "96"]
    assert len(small) == shown_rows.MOST - 2 + 2 + 3
    assert all((attributes["src"] or "").startswith("data:image/png;base64,") and attributes["alt"] for attributes in small)


def test_text_of_shown_rows_stays_text(tmp_path: Path) -> None:
    evil = '"><img src=x onerror=alert(1)>'
    found = survey([evil, "b"])
    for part in ("suspects", "strangers"):
        for line in found[part]["examples"]:
            line |= {"row": evil, "text": evil, "label": evil}
    found["clusters"][0] |= {"split": evil, "rows": [evil]}
    found["tally"][0] |= {"text": evil, "rows": evil, "advice": evil}
    found["boxes"][0]["what"] = found["distributions"][0]["what"] = evil
    parsed = outline(only_cleaned(tmp_path, found))
    assert parsed.faults == []
    assert not [tag for tag, attributes in parsed.tags if "onerror" in attributes]


@pytest.mark.parametrize("part", ["tally", "suspects", "strangers", "clusters", "boxes", "distributions", "pictures", "balance"])
@pytest.mark.parametrize("empty", [None, {}])
def test_a_part_may_be_missing_or_empty(tmp_path: Path, part: str, empty: dict[str, Any] | None) -> None:
    found = survey(LABELS) | {part: empty}
    if empty is None:
        del found[part]
    assert outline(only_cleaned(tmp_path, found)).faults == []


def test_checks_that_say_the_same_stand_in_one_line_below_what_is_worse(tmp_path: Path) -> None:
    checks = [("blanks", "good", "nothing found"), ("language", "warn", "9 rows"), ("near_duplicates", "good", "nothing found"),
              ("labels", "fail", "2 rows"), ("other", "unknown", "")]
    run = read(tmp_path, tally=[{"check": check, "level": level, "text": text} for check, level, text in checks])
    assert [(line.level, line.check, line.text) for line in data_tables.tally(run)] == [
        ("fail", "labels", "2 rows"), ("warn", "language", "9 rows"), ("good", "blanks, near duplicates", "nothing found")]


def test_confidence_is_never_said_to_be_full(tmp_path: Path) -> None:
    line = {"row": "a:1", "label": "x", "suggestion": "y", "text": "t"}
    run = read(tmp_path, suspects={"examples": [line | {"confidence": share} for share in (0.9996, 0.991, 0.9, None)]})
    assert [shown.said for shown in shown_rows.suspects(run)] == [f"x \u2192 y{said}" for said in (" (over 99%)", " (over 99%)", " (90%)", "")]


def test_nothing_found_is_said_in_words(tmp_path: Path) -> None:
    nothing = {"checked": 900, "found": 0, "by_label": {}, "examples": []}
    found = words(only_cleaned(tmp_path, quality(LABELS) | {"suspects": nothing | {"features": "the backbone"}, "strangers": nothing}))
    assert "None of 900 labels are suspected to be wrong. Judged by: the backbone. Strangers None of 900 rows lie far" in found


def test_long_texts_are_cut(tmp_path: Path) -> None:
    found = survey(LABELS)
    found["suspects"]["examples"][0]["text"] = "w" * 5000
    (first, *_) = shown_rows.suspects(folder.read(only_cleaned(tmp_path, found)))
    assert first.text == "w" * 300 + "..."


def test_push_shows_rows_of_the_survey_only_when_asked_for(tmp_path: Path) -> None:
    run = text_run(tmp_path / "run", quality=survey(LABELS), mistakes=[])
    told = {}
    for examples in (False, True):
        place = tmp_path / str(examples)
        place.mkdir()
        public.write(run, place, repository="me/tone", examples=examples)
        told[examples] = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    assert html.escape(SECRET).encode() in told[True][tmp_path / "True/report.html"]
    for content in told[False].values():
        assert SECRET.encode() not in content and html.escape(SECRET).encode() not in content
        assert b"reviews.csv:7" not in content and b"a.csv:750" not in content
    without = told[False][tmp_path / "False/report.html"]
    for text in (b"36 of 900 labels", b"12 nearly equal rows", b"median 40 against 90.5", b"9 reported of 926"):
        assert text in without, text


def test_pictures_of_the_survey_stay_behind_too(tmp_path: Path) -> None:
    run = image_run(tmp_path / "run")
    (run / "data/quality.json").write_text(json.dumps(survey(LABELS, images=True)))
    place = tmp_path / "shown"
    place.mkdir()
    public.write(run, place, repository="me/tone", examples=False)
    page_of = (place / "report.html").read_text()
    assert 'width="96"' not in page_of
    assert picture(20) not in page_of and picture(60) not in page_of


def test_every_row_that_a_push_would_show_is_listed(tmp_path: Path) -> None:
    run = text_run(tmp_path, quality=survey(LABELS), mistakes=[], augmented={})
    assert public.examples(run) == [f"reviews.csv:{700 + place}: text" for place in (*range(12), 30, 31, 40, 41, 50)]


def test_page_that_cleaning_left_is_the_run_s_page_once_it_is_scored(tmp_path: Path) -> None:
    run = only_cleaned(tmp_path)
    assert "data report" in page.write(run).read_text()
    assert "training report" in page.write(text_run(run, quality=survey(LABELS))).read_text()
