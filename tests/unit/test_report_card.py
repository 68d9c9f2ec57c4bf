"""The model card: what the Hub reads, what people read, and what must not stand in it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard

from finetune.report import card
from tests.unit.test_report_figures import STRANGE, positive_label, several_labels
from tests.unit.test_report_folder import LABELS, SECRET, export, image_run, metrics, quality, recipe, text_run

CONFUSION = [[64, 4, 7], [12, 11, 7], [5, 3, 67]]


def front(run_dir: Path) -> dict[str, Any]:
    """The front matter as YAML."""
    found: dict[str, Any] = yaml.safe_load(card.write(run_dir).read_text(encoding="utf-8").split("---\n")[1])
    return found


def changed(run_dir: Path, **values: Any) -> Path:
    """A run on texts with some of its metrics replaced; a mapping updates, anything else replaces."""
    measured = metrics(LABELS, CONFUSION)
    for key, value in values.items():
        measured[key] = measured[key] | value if isinstance(value, dict) else value
    return text_run(run_dir, metrics=measured)


def snippets(run_dir: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card.write(run_dir).read_text(encoding="utf-8"), re.DOTALL)


def test_the_hub_reads_the_card(tmp_path: Path) -> None:
    data = ModelCard.load(card.write(text_run(tmp_path))).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "transformers", "text-classification")
    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert data.datasets == ["stanfordnlp/sst2"]
    assert data.metrics == ["accuracy", "precision", "recall", "f1"]
    assert data.tags == ["finetune-recipes", "onnx"]
    assert data.model_name == "sentiment"
    assert data.language is None


def test_the_test_scores_are_evaluation_results(tmp_path: Path) -> None:
    results = ModelCard.load(card.write(text_run(tmp_path))).data.eval_results
    assert results
    assert results[0] == EvalResult(
        task_type="text-classification", dataset_type="stanfordnlp/sst2", dataset_name="stanfordnlp/sst2",
        dataset_split="test", dataset_revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb", metric_type="accuracy",
        metric_name="Accuracy", metric_value=0.7889)
    assert [(result.metric_type, result.metric_name, result.metric_args) for result in results[1:]] == [
        (family, f"{name} (macro)", {"average": "macro"})
        for family, name in (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))]


def test_a_card_round_trips_through_the_hubs_library(tmp_path: Path) -> None:
    text = card.write(text_run(tmp_path)).read_text(encoding="utf-8")
    assert yaml.safe_load(str(ModelCard(text)).split("---\n")[1]) == yaml.safe_load(text.split("---\n")[1])


@pytest.mark.parametrize(("found", "license", "name"), [
    ("MIT", "mit", None), ("Apache-2.0", "apache-2.0", None), ("My Own License 1.0", "other", "my-own-license-1.0"),
    (None, None, None), ("unknown", None, None), ("", None, None),
])
def test_a_license_is_named_only_if_it_is_known(tmp_path: Path, found: str | None, license: str | None, name: str | None) -> None:
    data = front(changed(tmp_path, backbone={"license": found}))
    assert (data.get("license"), data.get("license_name")) == (license, name)


@pytest.mark.parametrize(("source", "name", "base_model"), [
    ("hub", "google-bert/bert-base-uncased", "google-bert/bert-base-uncased"), ("cache", "gpt2", "gpt2"),
    ("offline", "sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
    ("folder", "/home/me/private/bert", None), ("random", "google-bert/bert-base-uncased", None), ("hub", "../x y", None),
])
def test_a_base_model_is_one_that_the_hub_has(tmp_path: Path, source: str, name: str, base_model: str | None) -> None:
    assert front(changed(tmp_path, backbone={"source": source, "name": name})).get("base_model") == base_model


def test_a_timm_architecture_gets_its_place_on_the_hub(tmp_path: Path) -> None:
    values = recipe()["values"] | {"model.family": {"value": "timm", "from": "recipe"}}
    measured = metrics(LABELS, CONFUSION)
    measured["backbone"] |= {"source": "hub", "name": "resnet18.a1_in1k"}
    assert front(text_run(tmp_path, metrics=measured, recipe=recipe() | {"values": values}))["base_model"] == "timm/resnet18.a1_in1k"


@pytest.mark.parametrize("source", ["files", "sample"])
def test_rows_that_are_not_from_the_hub_are_no_data_set_there(tmp_path: Path, source: str) -> None:
    data = front(changed(tmp_path, source=source, data={"name": "/home/me/private/reviews.csv", "revision": None}))
    assert "datasets" not in data
    assert data["model-index"][0]["results"][0]["dataset"] == {"type": "unknown", "name": "reviews.csv", "split": "test"}
    assert "/home/me" not in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_nothing_of_the_rows_stands_in_the_card(tmp_path: Path) -> None:
    text = card.write(text_run(tmp_path)).read_text(encoding="utf-8")
    assert not [word for word in SECRET.split() if len(word) > 4 and word in text]
    assert "reviews.csv" not in text
    assert "data:image" not in card.write(image_run(tmp_path)).read_text(encoding="utf-8")


def test_names_cannot_break_the_front_matter_or_a_table(tmp_path: Path) -> None:
    evil = 'a"\n---\nlicense: mit | <b>*x*</b> `y` \U0001f600'
    measured = metrics([evil, *LABELS[1:]], CONFUSION) | {"recipe": evil}
    measured["data"]["name"] = evil
    text = card.write(text_run(tmp_path, metrics=measured)).read_text(encoding="utf-8")
    data = ModelCard(text).data
    assert (data.model_name, data.datasets, data.license) == (evil, [evil], "apache-2.0")
    cells = [line for line in text.splitlines() if "license: mit" in line and line.startswith("|")]
    assert cells
    assert all(r"\| &lt;b&gt;\*x\*&lt;/b&gt; \`y\`" in line for line in cells)


def test_the_body_says_what_it_does_how_good_it_is_and_where_it_ends(tmp_path: Path) -> None:
    text = card.write(text_run(tmp_path)).read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Labels", "How to use it", "Scores", "Training data and cleaning", "Limits", "Exported models"]
    for line in ("negative, neutral, positive", "| Accuracy | 78.9% (72.9 to 84.9%) | 78.9% (72.9 to 84.9%) |",
                 "| TF-IDF + linear | 74.4% (68.0 to 80.8%) | +4.5 points (-1.1 to +9.9) |",
                 "| Duplicates | drop | 96 dropped | 3 reported | none |",
                 "The label 'neutral' is weak: F1 45.8% on 30 rows.", "2.6% of the rows here were longer"):
        assert line in text


def test_a_demonstration_is_called_one(tmp_path: Path) -> None:
    run = changed(tmp_path, source="sample", backbone={"source": "random"})
    text = card.write(run).read_text(encoding="utf-8")
    assert "a demonstration, not a product" in text
    assert "random weights, without any pretraining" in text


@pytest.mark.parametrize("make", [text_run, image_run])
def test_the_snippets_are_python(tmp_path: Path, make: Any) -> None:
    found = snippets(make(tmp_path))
    assert len(found) == 2
    for number, snippet in enumerate(found):
        compile(snippet, f"snippet {number}", "exec")


def test_the_onnxruntime_snippet_for_texts_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    run = text_run(tmp_path)
    write_model(run / "onnx" / "model.onnx", ["input_ids", "attention_mask"], "int64", ["rows", "tokens"])
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(run / "onnx" / "tokenizer.json"))
    answer(run, monkeypatch)
    assert capsys.readouterr().out == "positive\n"


@pytest.mark.parametrize("crop", [None, 0.875])
def test_the_onnxruntime_snippet_for_pictures_sees_what_predict_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any,
                                                                     crop: float | None) -> None:
    import numpy as np
    from PIL import Image

    from finetune.data.pixels import ImageProcessor

    run = image_run(tmp_path, 3)
    write_model(run / "onnx" / "model.onnx", ["pixel_values"], "float32", ["rows", 3, 32, 32])
    processor = ImageProcessor(size=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3), crop=crop)
    processor.save(run / "onnx")
    noise = np.random.default_rng(0).integers(0, 256, (40, 61, 3), np.uint8)
    Image.fromarray(noise).save(run / "picture.jpg")
    found = answer(run, monkeypatch)
    assert capsys.readouterr().out == "class 02 with a long name\n"
    expected = processor.encode([str(run / "picture.jpg")])[0]["pixel_values"]
    np.testing.assert_allclose(found["inputs"]["pixel_values"], expected[None], atol=1e-6)


def write_model(file: Path, inputs: list[str], kind: str, shape: list[str | int]) -> None:
    """An ONNX model that takes the inputs and always answers with the third of three labels."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    taken = [helper.make_tensor_value_info(name, getattr(TensorProto, kind.upper().replace("32", "")), shape) for name in inputs]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["three"], ["logits"])], "constant", taken,
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.array([[0.1, 0.2, 0.9]], np.float32), "three")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)


def answer(run: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the names of the second snippet stand for when it has run in the folder of the card."""
    script = run / "snippet.py"
    script.write_text(snippets(run)[1])
    monkeypatch.chdir(run)
    return runpy.run_path(str(script))


def test_without_a_published_model_only_transformers_is_shown(tmp_path: Path) -> None:
    run = text_run(tmp_path, export=export() | {"default": None})
    assert len(snippets(run)) == 1
    assert "finetune predict" not in (run / "README.md").read_text(encoding="utf-8")
    assert front(run)["tags"] == ["finetune-recipes"]


def test_an_empty_run_has_a_card_that_parses_and_says_not_done(tmp_path: Path) -> None:
    text = card.write(tmp_path).read_text(encoding="utf-8")
    assert ModelCard(text).data.to_dict() == {"library_name": "transformers", "tags": ["finetune-recipes"]}
    assert text.count("Not done: ") == 3


def test_many_labels_are_cut_short(tmp_path: Path) -> None:
    text = card.write(image_run(tmp_path, 130)).read_text(encoding="utf-8")
    assert "and 30 more, see `model/config.json`" in text
    assert "a position in the list of labels" in text


def test_texts_are_read_as_far_as_the_run_read_them(tmp_path: Path) -> None:
    cleaned = quality(LABELS)
    cleaned["lengths"]["max"] = 64
    assert "max_length=64" in card.write(text_run(tmp_path, quality=cleaned)).read_text(encoding="utf-8")


def test_the_card_of_rows_with_several_labels_decides_on_each_by_its_threshold(tmp_path: Path) -> None:
    written = card.write(several_labels(tmp_path)).read_text(encoding="utf-8")
    assert "It always answers with one of" not in written
    assert "[-2.1972, -1.3863, -0.8473, -0.4055, 0.0]" in written  # logits of 0.1 to 0.5
    assert "if logits[i] >= cut" in written and "argmax" not in written


def test_the_card_of_a_positive_label_decides_by_its_margin(tmp_path: Path) -> None:
    written = card.write(positive_label(tmp_path)).read_text(encoding="utf-8")
    assert f'print("{STRANGE[1]}" if logits[1] - logits[0] >= -0.8 else "ham")' in written
    assert "argmax" not in written
