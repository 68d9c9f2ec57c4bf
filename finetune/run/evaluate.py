"""Stage 3: validation and test scores with intervals, against baselines; the one time that test is read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from finetune.backbones import resolve
from finetune.clean import personal_data
from finetune.data.images import thumbnail
from finetune.evaluate import baselines, score
from finetune.evaluate.infer import torch_infer
from finetune.write import write_lines

if TYPE_CHECKING:
    from finetune.contracts import Columns
    from finetune.data.examples import Examples
    from finetune.run.context import Run

NUM_MISTAKES = 24
THUMBNAIL = 96  # pixels


def evaluate(run: Run) -> None:
    """Score the saved model; writes `mistakes.jsonl` and `metrics.json`."""
    task, processor, family = run.saved()
    model = resolve.reload(run.folder.path / "model", family, task.head).to(run.device())
    trained = run.folder.read("train.json")
    torch.set_num_threads(trained["choice"]["threads"])
    quality, source = run.folder.read("data/quality.json"), run.folder.read("data/source.json")
    splits, found = {}, {}
    for split in ("validation", "test"):
        examples = run.examples(split, task, processor)
        predicted = score.predict(examples, torch_infer(model, task, device=run.device()))
        flagged = set(quality.get("flagged", {}).get(split, ()))
        splits[split] = _scores(run, examples, predicted, flagged=flagged)
        found[split] = (examples, predicted.columns)
    test, columns = found["test"]
    compared = _baselines(run, test, columns)
    _write_mistakes(run, test, columns)
    choice = trained["choice"]
    run.folder.write("metrics.json", {
        "recipe": run.name, "source": source["source"], "data": source, "backbone": trained["backbone"],
        "task": task.onnx_task, "primary": task.primary, "labels": list(task.labels), "splits": splits,
        "baselines": compared,
        "train": trained["train"] | {name: {"choice": choice[name], "reason": choice[f"{name}_reason"]}
                                     for name in ("precision", "threads")},
        "notes": [note for note in (*source["notes"], trained["backbone"]["note"]) if note],
    })
    headline = splits["test"][task.primary]
    run.say(f"test {task.primary} {headline['value']:.4f} ({headline['low']:.4f} to {headline['high']:.4f}) "
            f"on {splits['test']['rows']:,} rows")
    for name, entry in compared.items():
        gain = entry["gain"]
        run.say(f"baseline {name}: {entry[task.primary]['value']:.4f}; gain {gain['value']:+.4f} "
                f"({gain['low']:+.4f} to {gain['high']:+.4f})")


def _scores(run: Run, examples: Examples, predicted: score.Predicted, *, flagged: set[str]) -> dict[str, Any]:
    """All scores of a split, and once more without the rows in which cleaning found something."""
    task, seed = examples.task, run.recipe.seed
    scores = {"rows": len(examples), "loss": predicted.mean_loss,
              **score.with_intervals(task, predicted.columns, seed=seed)}
    kept = [examples.row(i)["row"] not in flagged for i in range(len(examples))]
    if any(kept) and not all(kept):
        without = score.with_intervals(task, score.part(predicted.columns, kept), seed=seed)
        scores["unflagged"] = {"rows": sum(kept), task.primary: without[task.primary]}
    return scores


def _baselines(run: Run, test: Examples, columns: Columns) -> dict[str, Any]:
    """What a majority vote and, for texts, a linear model reach on the same test rows."""
    task = test.task
    text = next((role for role, kind in task.roles.items() if kind == "text"), None)
    train = run.folder.table("train").to_pylist()
    predictions = baselines.baselines(train, test.rows(), labels=task.labels, text=text, seed=run.recipe.seed)
    compared = {}
    for name, prediction in predictions.items():
        theirs = {**columns, "prediction": prediction}
        gain = score.difference(task, columns, theirs, seed=run.recipe.seed)
        own = score.with_intervals(task, theirs, seed=run.recipe.seed)
        compared[name] = {task.primary: own[task.primary], "gain": asdict(gain)}
    return compared


def _write_mistakes(run: Run, examples: Examples, columns: Columns) -> None:
    """The most confident wrong test rows: the first place to look for wrong labels."""
    names, confidence = examples.task.labels, columns["probabilities"].max(axis=1)
    wrong = np.flatnonzero(columns["prediction"] != columns["target"])
    lines = []
    for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:NUM_MISTAKES]:
        row = examples.row(int(i))
        shown = ({"image": thumbnail(row["image"], THUMBNAIL)} if "image" in row
                 else {"text": personal_data.mask(row["text"])[0]})
        lines.append({"row": row["row"], "label": names[int(columns["target"][i])],
                      "prediction": names[int(columns["prediction"][i])], "probability": float(confidence[i])} | shown)
    write_lines(run.folder.path / "mistakes.jsonl", lines)

