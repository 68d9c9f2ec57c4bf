"""`finetune export`."""

from __future__ import annotations

from finetune.verbs.arguments import RunPlace, out

EXAMPLE = "finetune export runs/sentiment/last"


def verb(place: RunPlace) -> None:
    """Export a trained run again and judge it.

    Ends with exit code 4 when an exported model fails the gate.
    """
    from finetune.errors import DataError, ExportError
    from finetune.run import folder, pipeline

    made = pipeline.reopen(folder.open_run(place), out)
    if made.folder.next_stage in ("prepare", "train", "evaluate"):
        raise DataError(str(place), f"has not been trained and evaluated yet (next stage: {made.folder.next_stage}). "
                                    f"Go on with: finetune run {made.name} --resume {made.folder.path}")
    pipeline.carry_out_stage(made, "export")
    pipeline.carry_out_stage(made, "report")
    folder.finish(made.folder)
    failed = made.folder.read("onnx/report.json")
    if failed["verdict"] == "fail":
        passed = made.folder.path / "onnx"
        raise ExportError("export", f"{failed['reason']}. The failed model is withheld; what passed is in {passed}.")
