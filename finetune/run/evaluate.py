"""Stage 3: validation and test scores with intervals, against baselines; the one time that test is read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from finetune import saved
from finetune.backbones import resolve
from finetune.clean import personal_data
from finetune.data.images import thumbnail
from finetune.evaluate import calibration, score
from finetune.evaluate.infer import torch_infer
from finetune.report import page
from finetune.run import preprocessing
from finetune.write import write_lines

if TYPE_CHECKING:
    from finetune.contracts import Batch, Columns, Row, Task
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import Infer
    from finetune.run.context import Run

HUB_NAMES = {"text2text-generation-with-past": "summarization"}  # what the Hub calls a task, where that differs
NUM_MISTAKES = 24
THUMBNAIL = 96  # pixels


def evaluate(run: Run) -> None:
    """Score the saved model; writes `mistakes.jsonl` and `metrics.json`."""
    (run.folder.path / page.FILE).unlink(missing_ok=True)  # one that `finetune clean` left is of the rows alone
    task, processor, family = run.saved()
    model = resolve.reload(run.folder.path / "model", family, task.head).to(run.device())
    trained = run.folder.read("train.json")
    torch.set_num_threads(trained["choice"]["threads"])
    quality, source = run.folder.read("data/quality.json"), run.folder.read("data/source.json")
    task, validated = _calibrated(run, task, processor, infer=torch_infer(model, task, device=run.device()))
    saved.write_task(run.folder.path / "model", task, family=family)
    splits, found = {}, {}
    for split in ("validation", "test"):
        examples = run.examples(split, task, processor)
        predicted = validated if split == "validation" else score.predict(
            examples, torch_infer(model, task, device=run.device()))
        flagged = set(quality.get("flagged", {}).get(split, ()))
        splits[split] = _scores(run, examples, predicted, flagged=flagged)
        found[split] = (examples, predicted.columns)
    test, columns = found["test"]
    compared = _baselines(run, test, columns)
    _write_mistakes(run, test, columns)
    choice = trained["choice"]
    run.folder.write("metrics.json", {
        "recipe": run.name, "source": source["source"], "data": source, "backbone": trained["backbone"],
        "task": HUB_NAMES.get(task.onnx_task, task.onnx_task), "primary": task.primary,
        "inputs": [role for role in task.roles if role != task.target], "says": _says(task),
        "preprocessing": preprocessing.said(trained.get("preprocessing") or {}),
        "labels": list(task.head.labels), "splits": splits,
        "baselines": compared,
        "calibration": calibration.errors(task, {split: columns for split, (_, columns) in found.items()}),
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


def _says(task: Task) -> str:
    """What goes in and what comes out, as the task's own file has it: `Picture to a number`."""
    return (type(task).__doc__ or "").partition("\n")[0].partition(";")[0].rstrip(".")


def _calibrated(run: Run, task: Task, processor: Any, *, infer: Infer) -> tuple[Task, score.Predicted]:
    """The task with all that the validation rows decide, and what it says of them; the model answers them once."""
    given: list[Any] = []

    def noted(batch: Batch) -> Any:
        given.append(infer(batch))
        return given[-1]

    predicted = score.predict(run.examples("validation", task, processor), noted)
    found = task.calibrated(predicted.columns)
    if found != task:
        again = iter(given)  # the same rows come in the same batches
        predicted = score.predict(run.examples("validation", found, processor), lambda _: next(again))
    return found, predicted


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
    """What predictions that need no backbone reach on the same test rows."""
    task = test.task
    train = run.folder.table("train").to_pylist()
    compared = {}
    for name, replaced in task.baselines(train, test.rows(), seed=run.recipe.seed).items():
        theirs = {**columns, **replaced}
        gain = score.difference(task, columns, theirs, seed=run.recipe.seed)
        own = score.with_intervals(task, theirs, seed=run.recipe.seed)
        compared[name] = {task.primary: own[task.primary], "gain": asdict(gain)}
    return compared


def _write_mistakes(run: Run, examples: Examples, columns: Columns) -> None:
    """The worst test rows: the first place to look for what is wrong in the data."""
    task, lines = examples.task, []
    for i, told in task.mistakes(columns, NUM_MISTAKES):
        row = examples.row(i)
        lines.append({"row": row["row"], **_masked(told, task), **_shown(row, task)})
    write_lines(run.folder.path / "mistakes.jsonl", lines)


def _masked(told: dict[str, Any], task: Task) -> dict[str, Any]:
    """What is learnt and said, without personal data where people wrote it and not a list of labels."""
    if task.roles[task.target] not in ("text", "answers"):
        return told
    return {name: personal_data.mask(value)[0] if isinstance(value, str) else value for name, value in told.items()}


def _shown(row: Row, task: Task) -> dict[str, str]:
    """What the model was asked, as a person can look at it: a small picture, or texts without personal data."""
    asked = [role for role in task.roles if role != task.target]
    if "image" in asked:
        return {"image": thumbnail(row["image"], THUMBNAIL)}
    cells = [row[role] if isinstance(row[role], str) else " ".join(row[role]) for role in asked]
    return {"text": " | ".join(personal_data.mask(cell)[0] for cell in cells)}
