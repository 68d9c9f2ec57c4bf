"""Figures: which are drawn, that nothing overlaps or is cut off, and that their bytes repeat."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text
from PIL import Image

from finetune.report import canvas, figures, folder
from tests.unit.surveyed import box_of, compared, sizes, survey
from tests.unit.test_report_folder import LABELS, image_run, log, metrics, quality, text_run, write

TEXT = ["training", "baselines", "confusion", "labels", "balance", "lengths", "export"]
IMAGE = ["training", "baselines", "confusion", "labels", "mistakes", "balance", "augmentation", "export"]
STRANGE = ["$10 to $20", "a very long label name that no axis has room for", "\u6b63\u9762", "caf\u00e9", "x"]


def strange_run(run_dir: Path) -> Path:
    """A run whose labels are long, in another script or full of signs."""
    confusion = [[12_345 if row == column else 678 for column in range(5)] for row in range(5)]
    return text_run(run_dir, metrics=metrics(STRANGE, confusion), quality=quality(STRANGE))


def several_labels(run_dir: Path) -> Path:
    """A run whose rows have any number of labels, some of them with strange names."""
    found = metrics(STRANGE, [[9, 1, 0, 0, 0]] * 5)
    for split in found["splits"].values():
        del split["confusion"]
        for place, entry in enumerate(split["per_class"]):
            entry |= {"average_precision": 0.5 + place / 20, "threshold": 0.1 + place / 10}
    return text_run(run_dir, metrics=found)


def positive_label(run_dir: Path) -> Path:
    """A run that looks for one of two labels."""
    found = metrics(["ham", STRANGE[1]], [[90, 10], [5, 15]])
    curve = {"recall": [0.2, 0.6, 0.75, 1.0], "precision": [1.0, 0.9, 0.6, 0.25], "label": STRANGE[1], "at": [0.75, 0.6], "margin": -0.8}
    for split in found["splits"].values():
        split |= {"precision_recall": curve}
    return text_run(run_dir, metrics=found)


RUNS = {"texts": text_run, "pictures": image_run, "forty labels": lambda run_dir: image_run(run_dir, 40),
        "two labels": lambda run_dir: image_run(run_dir, 2), "strange labels": strange_run,
        "several labels a row": several_labels, "a positive label": positive_label,
        "surveyed rows": lambda run_dir: write(run_dir, {"data/quality.json": survey(STRANGE)}),
        "surveyed rows of 200 labels": lambda run_dir: write(run_dir, {"data/quality.json": survey([f"label {number}" for number in range(200)])}),
        "three measures far apart": lambda run_dir: write(run_dir, {"data/quality.json": spread()})}


def spread() -> dict[str, Any]:
    """Sizes from a fraction to millions, of which some are drawn on a logarithmic scale."""
    measures = [sizes("brightness", LABELS, 0.005), sizes("characters of a column with a long name", LABELS, 30), sizes("words of a column with a long name", LABELS, 0.03)]
    measures[1]["groups"][2]["most"] = 9_000_000
    return survey(LABELS) | {"boxes": measures}


@pytest.fixture(scope="module", params=RUNS)
def drawings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    run = folder.read(RUNS[request.param](tmp_path_factory.mktemp("run")))
    with canvas.look():
        found = {name: make(run) for name, make in figures.DRAWN.items()}
        shown = {name: drawing for name, drawing in found.items() if drawing}
        for drawing in shown.values():
            drawing.figure.canvas.draw()
        yield shown


def within(value: float, bounds: Any) -> bool:
    return min(bounds) <= value <= max(bounds)


def words(drawing: Any) -> list[tuple[str, Any]]:
    """Every visible text with its box in pixels."""
    renderer = drawing.figure.canvas.get_renderer()
    artists = [artist for artist in drawing.figure.findobj(Text) if artist.get_visible() and artist.get_text().strip()]
    hidden = {id(label) for axes in drawing.figure.axes for axis in (axes.xaxis, axes.yaxis)
              for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)
              if not axes.axison or not within(tick.get_loc(), axis.get_view_interval())}
    return [(artist.get_text(), artist.get_window_extent(renderer)) for artist in artists if id(artist) not in hidden]


def test_no_word_is_cut_off_at_the_edge(drawings: dict[str, Any]) -> None:
    for name, drawing in drawings.items():
        width, height = drawing.figure.bbox.size
        cut = [text for text, box in words(drawing)
               if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1]
        assert cut == [], name


def test_no_two_words_overlap(drawings: dict[str, Any]) -> None:
    for name, drawing in drawings.items():
        found = words(drawing)
        for place, (text, box) in enumerate(found):
            hits = [other for other, other_box in found[place + 1:]
                    if min(box.x1, other_box.x1) - max(box.x0, other_box.x0) > 1
                    and min(box.y1, other_box.y1) - max(box.y0, other_box.y0) > 1]
            assert hits == [], f"{name}: {text!r}"


def test_every_word_is_large_enough_to_read(drawings: dict[str, Any]) -> None:
    for name, drawing in drawings.items():
        sizes = {artist.get_fontsize() for artist in drawing.figure.findobj(Text) if artist.get_text().strip()}
        assert min(sizes) >= (6.5 if name == "confusion" else 8.5), name


@pytest.mark.parametrize(("make", "names"), [(text_run, TEXT), (image_run, IMAGE)])
def test_a_run_gets_a_figure_for_every_part_it_has(tmp_path: Path, make: Any, names: list[str]) -> None:
    drawn = figures.draw(make(tmp_path))
    assert [figure.file for figure in drawn] == [tmp_path / "figures" / f"{name}.png" for name in names]
    assert all(figure.title and figure.caption.endswith((".", ")")) for figure in drawn)
    assert sorted(file.stem for file in (tmp_path / "figures").iterdir()) == sorted(names)


def test_every_figure_is_a_sharp_png_of_the_pages_width(tmp_path: Path) -> None:
    for figure in figures.draw(text_run(tmp_path)):
        with Image.open(figure.file) as picture:
            assert (picture.format, picture.width) == ("PNG", 1320)
            assert not {"Software", "Creation Time", "date"} & set(picture.info)


def test_the_same_run_gives_the_same_bytes_whatever_the_users_settings_are(tmp_path: Path) -> None:
    import matplotlib

    first = [figure.file.read_bytes() for figure in figures.draw(image_run(tmp_path / "a"))]
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 9}):
        second = [figure.file.read_bytes() for figure in figures.draw(image_run(tmp_path / "b"))]
    assert first == second


def test_labels_that_are_decided_on_by_themselves_have_a_figure_of_their_own_and_a_sought_one_a_curve(tmp_path: Path) -> None:
    several, one = ({figure.file.stem: figure.caption for figure in figures.draw(make(tmp_path / make.__name__))}
                    for make in (several_labels, positive_label))
    assert "each_label" in several and not {"labels", "confusion", "curve"} & set(several)
    assert "curve" in one and "each_label" not in one
    assert "chosen on validation rows" in one["curve"]


def test_an_empty_run_has_no_figures(tmp_path: Path) -> None:
    assert figures.draw(tmp_path) == []


def test_pyplot_is_never_loaded(tmp_path: Path) -> None:
    code = (f"import sys, pathlib; from finetune.report import figures; figures.draw(pathlib.Path({str(text_run(tmp_path))!r}));"
            "print([name for name in ('matplotlib.pyplot', 'torch', 'transformers') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_matplotlib_and_jinja_are_only_loaded_when_a_report_is_made() -> None:
    code = ("import sys; import finetune.report.page, finetune.report.card, finetune.report.figures;"
            "print([name for name in ('matplotlib', 'jinja2', 'PIL') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("lines", [
    [line for line in log(2) if line["event"] == "step"], [line for line in log(2) if line["event"] == "eval"],
    log(2)[:1], [line | {"loss": 0.5} for line in log(1)],
])
def test_a_short_log_is_drawn_as_far_as_it_goes(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    assert [figure.file.stem for figure in figures.draw(write(tmp_path, {"log.jsonl": lines}))] == ["training"]


@pytest.mark.parametrize("score", [1.0, 0.6])
def test_no_tick_of_a_share_lies_beyond_1(tmp_path: Path, score: float) -> None:
    lines = [line | ({"scores": {"accuracy": score}} if "scores" in line else {}) for line in log(2)]
    with canvas.look():
        drawing = figures.DRAWN["training"](folder.read(text_run(tmp_path, log=lines)))
        assert drawing is not None
        drawing.figure.canvas.draw()
        _, axes = drawing.figure.axes
        low, high = axes.get_ylim()
        assert low < score < high
        assert max(tick for tick in axes.get_yticks() if tick <= high) <= 1


def test_the_cut_is_drawn_only_where_it_is_near(tmp_path: Path) -> None:
    near, far = quality(LABELS), quality(LABELS)
    far["lengths"] |= {"max": 512, "truncated": 0}
    captions = [figures.draw(write(tmp_path, {"data/quality.json": part}))[-1].caption for part in (near, far)]
    assert captions[0] == "31 of 1,175 rows (2.6%) are longer than 128 tokens; the model never sees the rest of them."
    assert captions[1] == "No row is longer than the cut at 512 tokens, and the longest have 192."


def test_of_many_labels_the_most_confused_are_shown_and_the_caption_says_so(tmp_path: Path) -> None:
    captions = {figure.file.stem: figure.caption for figure in figures.draw(image_run(tmp_path, 40))}
    assert "The 25 most confused of 40 labels" in captions["confusion"]
    assert "The 25 weakest of 40 labels." in captions["labels"]
    assert "The 12 largest and the 12 smallest of 40 labels." in captions["balance"]


def test_a_thumbnail_that_cannot_be_read_leaves_its_place_empty(tmp_path: Path) -> None:
    wrong = [{"row": "a.png", "label": "x", "prediction": "y", "probability": 0.9, "image": "data:image/png;base64,AAAA"}]
    drawn = figures.draw(write(tmp_path, {"mistakes.jsonl": wrong}))
    assert [figure.title for figure in drawn] == ["Most confident mistakes"]


def drawn_from(run_dir: Path, name: str, **parts: Any) -> Any:
    with canvas.look():
        drawing = figures.DRAWN[name](folder.read(write(run_dir, {"data/quality.json": survey(LABELS) | parts})))
        assert drawing is not None
        drawing.figure.canvas.draw()
        return drawing


def test_boxes_lie_where_their_numbers_are(tmp_path: Path) -> None:
    (axes,) = drawn_from(tmp_path, "boxes", boxes=[sizes("words", LABELS)]).figure.axes
    drawn = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert drawn == [(20, 60), (21, 63), (45, 135), (15, 45), (18.5, 55.5), (22, 66)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["train", "validation", "test", *LABELS]


def test_boxes_of_many_labels_are_the_most_frequent_ones(tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(200)]
    drawing = drawn_from(tmp_path, "boxes", boxes=[sizes("words", labels)])
    assert "The 16 most frequent of 200 labels." in drawing.caption
    assert "Beyond: 12 sizes; dots mark the farthest." in drawing.caption


def test_sizes_that_span_much_are_drawn_on_a_logarithmic_scale(tmp_path: Path) -> None:
    wide = {"what": "words", "groups": [{"split": "train", "label": None, **box_of(40, most=90_000)}], "curves": {}}
    near, far = (drawn_from(tmp_path, "boxes", boxes=[measure]).figure.axes[0] for measure in (sizes("words", LABELS), wide))
    assert (near.get_xscale(), far.get_xscale()) == ("linear", "log")


@pytest.mark.parametrize(("pairs", "said"), [
    ([], "words\nalike"), ([["train", "test"]], "words\ntrain and test differ"),
    ([["train", "test"], ["validation", "test"]], "words\ntest differs"),
    ([["train", "test"], ["validation", "test"], ["train", "validation"]], "words\nall splits differ"),
])
def test_each_panel_of_the_splits_says_which_differ(tmp_path: Path, pairs: list[list[str]], said: str) -> None:
    tests = [compared("words", pair, 0.5, 0.001) for pair in pairs] + [compared("words", ["train", "test"], 0.01, 1.0)]
    (axes,) = drawn_from(tmp_path, "splits", boxes=[sizes("words", LABELS)], distributions=tests).figure.axes
    assert axes.get_title(loc="left") == said
    assert [line.get_label() for line in axes.lines] == ["train", "validation", "test"]
    assert list(axes.lines[2].get_xdata())[::20] == [0, 90, 180]


def test_one_split_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    measure = sizes("words", LABELS)
    measure["curves"] = {"train": measure["curves"]["train"]}
    drawn = figures.draw(write(tmp_path, {"data/quality.json": survey(LABELS) | {"boxes": [measure]}}))
    assert "splits" not in [figure.file.stem for figure in drawn]
