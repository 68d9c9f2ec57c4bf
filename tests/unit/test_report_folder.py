"""Reading a run folder; the made-up runs that all tests of the report draw on."""

from __future__ import annotations

import base64
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import FinetuneError
from finetune.report import folder

LABELS = ["negative", "neutral", "positive"]
SECRET = "the soup was cold <script>alert(1)</script> & the waiter laughed"


def interval(value: float, rows: int) -> dict[str, float]:
    reach = 1.96 * math.sqrt(value * (1 - value) / rows)
    return {"value": value, "low": max(0.0, value - reach), "high": min(1.0, value + reach)}


def scores(confusion: list[list[int]], labels: list[str]) -> dict[str, Any]:
    """The entry of a split, worked out from its confusion matrix."""
    rows = sum(map(sum, confusion))
    per_label = []
    for place, label in enumerate(labels):
        right, support = confusion[place][place], sum(confusion[place])
        said = sum(line[place] for line in confusion)
        precision, recall = right / max(said, 1), right / max(support, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        per_label.append({"label": label, "precision": precision, "recall": recall, "f1": f1, "support": support})
    means = {key: sum(entry[key] for entry in per_label) / len(labels) for key in ("precision", "recall", "f1")}
    accuracy = sum(confusion[place][place] for place in range(len(labels))) / rows
    return {"rows": rows, "loss": 0.5127, "accuracy": interval(accuracy, rows),
            **{f"{key}_macro": interval(value, rows) for key, value in means.items()},
            "per_class": per_label, "confusion": confusion}


def log(epochs: int = 6, steps_per_epoch: int = 31, best: int = 3) -> list[dict[str, Any]]:
    noise, lines = random.Random(7), []
    for step in range(1, epochs * steps_per_epoch + 1):
        epoch = step / steps_per_epoch
        loss = 0.16 + 0.95 * math.exp(-0.7 * epoch) + 0.09 * noise.random()
        lines.append({"event": "step", "step": step, "epoch": round(epoch, 3), "loss": loss, "lr": 3e-5,
                      "grad_norm": 1.2, "rows": 32, "rows_per_second": 80.1})
        if step % steps_per_epoch == 0:
            away = epoch - best
            lines.append({"event": "eval", "step": step, "epoch": epoch, "loss": 0.50 + 0.03 * away * away,
                          "scores": {"accuracy": 0.823 - 0.012 * away * away}, "best": round(epoch) <= best})
    return lines


def quality(labels: list[str]) -> dict[str, Any]:
    def rule(policy: str, train: tuple[int, int, int, int], reported: int = 0) -> dict[str, Any]:
        names = ("found", "changed", "dropped", "reported")
        held = dict(zip(names, (reported, 0, 0, reported), strict=True))
        splits = {"train": dict(zip(names, train, strict=True)), "validation": held, "test": dict.fromkeys(names, 0)}
        return {"policy": policy, "splits": {} if policy == "off" else splits}

    train = {label: {"before": 550 - 370 * (place % 2), "after": 526 - 370 * (place % 2) - 9 * place % 70}
             for place, label in enumerate(labels)}
    held = {label: dict.fromkeys(("before", "after"), 75 - 45 * (place % 2)) for place, label in enumerate(labels)}
    classes = {"train": train, "validation": held, "test": held}
    return {
        "rules": {
            "encoding": rule("fix", (14, 12, 0, 2)), "whitespace": rule("fix", (203, 203, 0, 0), 21),
            "blanks": rule("drop", (4, 0, 4, 0)), "contradictions": rule("report", (9, 0, 0, 9)),
            "duplicates": rule("drop", (96, 0, 96, 0), 3), "missing_labels": rule("off", (0, 0, 0, 0)),
        },
        "rows": {split: {when: sum(entry[when] for entry in counts.values()) for when in ("before", "after")}
                 for split, counts in classes.items()},
        "classes": classes,
        "leakage": rule("drop", (7, 0, 7, 0)) | {"pairs": {
            "train-validation": {"train": 0, "validation": 0, "action": "dropped"},
            "train-test": {"train": 7, "test": 5, "action": "dropped"}}},
        "flagged": {"validation": ["reviews.csv:12"], "test": ["reviews.csv:9", "reviews.csv:77"]},
        "lengths": {"unit": "tokens", "max": 128, "truncated": 31, "edges": list(range(0, 200, 8)),
                    "counts": [2, 19, 55, 101, 138, 160, 149, 130, 104, 82, 61, 47, 36, 27, 19, 14, 11, 8, 5, 3, 2, 1, 1, 0]},
    }


def metrics(labels: list[str], confusion: list[list[int]]) -> dict[str, Any]:
    test = scores(confusion, labels)
    rows, accuracy = test["rows"], test["accuracy"]["value"]
    unflagged = {"rows": rows - 2, "accuracy": interval(accuracy + 0.004, rows - 2)}
    return {
        "recipe": "sentiment", "source": "hub", "task": "text-classification", "primary": "accuracy", "labels": labels,
        "backbone": {"name": "sentence-transformers/all-MiniLM-L6-v2", "source": "offline", "revision": None,
                     "license": "Apache-2.0"},
        "data": {"source": "hub", "name": "stanfordnlp/sst2", "license": None, "revision": "8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb"},
        "splits": {"validation": scores(confusion, labels), "test": test | {"unflagged": unflagged}},
        "baselines": {
            "majority": {"accuracy": interval(0.417, rows),
                         "gain": {"value": accuracy - 0.417, "low": accuracy - 0.5, "high": accuracy - 0.33}},
            "tfidf_linear": {"accuracy": interval(0.744, rows),
                             "gain": {"value": accuracy - 0.744, "low": accuracy - 0.80, "high": accuracy - 0.69}},
        },
        "calibration": {"temperature": 1.4321, "splits": {"validation": {"before": 0.081, "after": 0.022},
                                                          "test": {"before": 0.0747, "after": 0.0314}}},
        "train": {"steps": 186, "epochs": 6.0, "best_step": 93, "stopped": "early",
                  "seconds": 412.7, "rows_per_second": 14.4, "processes": 1,
                  "precision": {"choice": "fp32", "reason": "bf16 took 1.31 times as long on this machine"},
                  "threads": {"choice": 2, "reason": "two threads took 0.58 of the time of one"}},
        "notes": ["The Hub was not reachable: the backbone is the offline copy of all-MiniLM-L6-v2."],
    }


def export() -> dict[str, Any]:
    def artifact(name: str, file: str, size: float, latency: float, speedup: float, **more: Any) -> dict[str, Any]:
        return {"name": name, "file": file, "size_mib": size, "latency_ms_p50": latency, "latency_ms_p95": 1.9 * latency,
                "speedup": speedup, "batch": 32, "rows_per_second": 2600 / latency, "label_drops": [], "warning": "",
                "max_abs_diff": 0.0, "agreement": 1.0, "score": 0.823, "score_drop": 0.0,
                "score_drop_interval": [0.0, 0.0], "verdict": "pass"} | more

    return {"artifacts": [
        artifact("pytorch", "model/model.safetensors", 86.7, 11.42, 1.0, verdict="reference"),
        artifact("fp32", "onnx/model.onnx", 86.9, 6.08, 1.88, max_abs_diff=3.1e-7),
        artifact("int8", "withheld/int8/model.onnx", 21.9, 2.81, 4.06, max_abs_diff=0.214, agreement=0.971, score=0.795,
                 score_drop=0.028, score_drop_interval=[0.011, 0.046], verdict="fail",
                 label_drops=[{"label": "negative", "drop": 0.041, "low": 0.012, "high": 0.07}]),
    ], "verdict": "fail", "default": "fp32", "reason": "int8: loses 0.0280 of the score, allowed is 0.01 (95% interval +0.0110 to +0.0460)"}


def recipe() -> dict[str, Any]:
    values = {"train.lr": (3e-5, "recipe"), "train.batch": (32, "recipe"), "train.patience": (3, "default"),
              "seed": (21, "command line"), "export.max_score_drop": (0.01, "default"), "model.family": ("hf", "default")}
    return {"recipe": "sentiment", "time": "2026-11-21T14:03:12+00:00", "command": "finetune run sentiment seed=21",
            "values": {key: {"value": value, "from": origin} for key, (value, origin) in values.items()},
            "versions": {"finetune": "0.1.0", "torch": "2.14.1", "transformers": "4.57.6", "onnxruntime": "1.31.1"},
            "machine": {"cpu": "Example CPU 9000", "cores": 2, "memory_gib": 23, "flags": ["avx2", "amx_int8"],
                        "accelerator": None}}


def write(run_dir: Path, parts: dict[str, Any]) -> Path:
    """A run folder with the given files: lists become JSON lines."""
    for name, part in parts.items():
        file = run_dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(line) for line in part] if isinstance(part, list) else [json.dumps(part)]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run_dir


def augmented_texts() -> dict[str, Any]:
    """One training text as it is and as it was in two epochs."""
    return {"kind": "text", "changes": ["swap_words"], "rows": [
        {"row": "reviews.csv:3", "label": "negative", "text": SECRET,
         "versions": [{"epoch": epoch, "text": f"{SECRET} ({epoch})"} for epoch in (1, 2)]}]}


def augmented_pictures(uri: str, labels: list[str]) -> dict[str, Any]:
    """Six training pictures in five epochs, mixed in the first three."""
    def version(epoch: int) -> dict[str, Any]:
        mixed = {"share": 0.7, "other": labels[-1], "other_row": "a/partner.png"}
        return {"epoch": epoch, "image": uri, **(mixed if epoch < 4 else {})}

    return {"kind": "image", "changes": ["flip", "mixup"], "rows": [
        {"row": f"a/seen-{place}.png", "label": labels[place % len(labels)], "image": uri,
         "versions": [version(epoch) for epoch in range(1, 6)]} for place in range(6)]}


def text_run(run_dir: Path, **changed: Any) -> Path:
    """A realistic run on texts with three labels, one of them weak, and int8 withheld."""
    wrong = [{"row": f"reviews.csv:{9 + place}", "label": "negative", "prediction": "positive",
              "probability": 0.99 - 0.02 * place, "text": SECRET} for place in range(5)]
    parts = {"recipe": recipe(), "quality": quality(LABELS), "log": log(), "mistakes": wrong, "export": export(), "augmented": augmented_texts(),
             "metrics": metrics(LABELS, [[64, 4, 7], [12, 11, 7], [5, 3, 67]])} | changed
    return write(run_dir, {folder.PARTS[name]: part for name, part in parts.items()})


def image_run(run_dir: Path, num_labels: int = 10) -> Path:
    """A run on pictures with more labels, no lengths and no baselines but one."""
    from PIL import Image

    shuffle = random.Random(3)
    labels = [f"class {place:02d} with a long name" if place % 3 else f"kind {place}" for place in range(num_labels)]
    confusion = [[40 + shuffle.randrange(9) if row == column else shuffle.randrange(3) for column in range(num_labels)]
                 for row in range(num_labels)]
    wrong = []
    for place in range(7):
        picture = Image.linear_gradient("L").rotate(45 * place).resize((40 + 8 * place, 64))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        wrong.append({"row": f"a/{place}.png", "label": labels[place % num_labels], "prediction": labels[place % num_labels - 1],
                      "probability": 0.97 - 0.05 * place, "image": uri})
    cleaned = {name: part for name, part in quality(labels).items() if name != "lengths"}
    measured = metrics(labels, confusion) | {"task": "image-classification", "recipe": "pictures", "source": "sample"}
    measured["data"] = {"name": "shapes", "license": "CC0-1.0", "revision": None}
    measured["baselines"] = {"majority": measured["baselines"]["majority"]}
    return text_run(run_dir, quality=cleaned, metrics=measured, mistakes=wrong,
                    augmented=augmented_pictures(wrong[0]["image"], labels))


def test_every_part_of_a_whole_run_is_read(tmp_path: Path) -> None:
    run = folder.read(text_run(tmp_path))
    assert (run.missing, run.damaged) == ((), ())
    assert run.metrics["labels"] == LABELS
    assert len(run.mistakes) == 5
    assert [line["event"] for line in run.log].count("eval") == 6


def test_an_empty_folder_is_a_run_with_every_part_missing(tmp_path: Path) -> None:
    run = folder.read(tmp_path)
    assert run.missing == tuple(folder.PARTS)
    assert run.metrics == {}


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match=r"nowhere is not a run folder\. Give a folder that `finetune run` made\."):
        folder.read(tmp_path / "nowhere")


def test_a_line_cut_off_by_a_crash_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"event": "step", "step": 1, "loss": 0.5}\n[1]\n{"event": "st')
    run = folder.read(tmp_path)
    assert len(run.log) == 1
    assert run.damaged[0] == "log.jsonl:2 cannot be read: it holds no JSON object."
    assert run.damaged[1].startswith("log.jsonl:3 cannot be read: ")


def test_a_damaged_object_counts_as_damaged_not_as_missing(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("{")
    (tmp_path / "recipe.json").write_text("[]")
    run = folder.read(tmp_path)
    assert [line.partition(" ")[0] for line in run.damaged] == ["recipe.json", "metrics.json"]
    assert not {"metrics", "recipe"} & set(run.missing)


def test_losses_that_are_no_numbers_do_not_count_as_events(tmp_path: Path) -> None:
    steps = [{"event": "step", "step": 1, "loss": math.nan}, {"event": "step", "step": 2, "loss": 0.4}]
    run = folder.read(write(tmp_path, {"log.jsonl": steps}))
    assert [line["step"] for line in folder.events(run, "step")] == [2]


def test_the_strongest_baseline_comes_first(tmp_path: Path) -> None:
    run = folder.read(text_run(tmp_path))
    assert [baseline.name for baseline in folder.baselines(run)] == ["tfidf_linear", "majority"]


def test_without_a_test_split_validation_makes_the_headline(tmp_path: Path) -> None:
    measured = metrics(LABELS, [[5, 1, 1], [1, 5, 1], [1, 1, 5]])
    del measured["splits"]["test"]
    assert folder.headline(folder.read(text_run(tmp_path, metrics=measured)))[0] == "validation"


def test_the_model_to_deploy_is_the_default_unless_the_gate_withheld_it(tmp_path: Path) -> None:
    judged = export()
    assert folder.deployed(folder.read(text_run(tmp_path, export=judged))) == judged["artifacts"][1]
    judged["artifacts"][2]["verdict"] = "unresolved"
    judged["default"] = "int8"
    assert folder.deployed(folder.read(text_run(tmp_path, export=judged))) == judged["artifacts"][2]
    judged["artifacts"][1]["verdict"], judged["default"] = "fail", None
    assert folder.deployed(folder.read(text_run(tmp_path, export=judged))) is None
