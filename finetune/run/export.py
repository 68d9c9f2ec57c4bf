"""Stage 4: ONNX and int8 files, each judged against PyTorch on the validation rows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from finetune import override, saved
from finetune.backbones import resolve
from finetune.errors import ExportError
from finetune.evaluate.infer import torch_infer
from finetune.export import gate, line, manifest, targets
from finetune.export.generate import ENCODER, open_model, parts
from finetune.run import graphs, int8
from finetune.spec import Int8Dynamic
from finetune.write import os_errors, write_json

if TYPE_CHECKING:
    from finetune.run.context import Run


SAME = {"label": "same label", "number": "within 1% of the spread"}  # kind of target -> what agreement means
LITTLE_SAVED = 0.9  # share of the fp32 size above which int8 is said to bring nothing


def export(run: Run) -> None:
    """Export, judge, withhold what failed; writes `onnx/`. Raises ExportError when the fp32 model fails."""
    draft = run.folder.path / ".onnx.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        with os_errors(draft):
            _export(run, draft)
    finally:  # what is complete has been renamed
        shutil.rmtree(draft, ignore_errors=True)


def _export(run: Run, draft: Path) -> None:
    task, processor, family = run.saved()
    _config(run.folder.path / "model", draft)
    model = resolve.reload(run.folder.path / "model", family, task.head, attention="eager")
    settings = run.recipe.export
    examples = run.examples("validation", task, processor)
    gate.need_rows(examples)
    files = {"fp32": draft / (ENCODER if task.head.decoding else "model.onnx")}
    line.installed().export(model, files["fp32"], inputs=task.collate([examples[0]], processor).inputs,
                            task=task.onnx_task, opset=settings.opset)
    fused = graphs.write(run, files, decoding=task.head.decoding is not None)
    # As many threads for every candidate as the probe found to serve PyTorch best here.
    threads = run.folder.read("train.json")["choice"]["threads"]
    torch.set_num_threads(threads)
    form = None
    if settings.quantize is not None:
        files["int8"] = draft / "int8" / files["fp32"].name
        form = int8.write(run, files, files["int8"], task=task, processor=processor)
    saved.write(draft, task, processor, family=family)

    def judge() -> list[gate.Artifact]:
        candidates = [gate.Candidate("pytorch", run.folder.path / "model", torch_infer(model, task))]
        candidates += [gate.Candidate(name, file, open_model(file, task, processor, threads=threads).infer,
                                      exact=name == graphs.CPU and settings.optimize != "O3",
                                      elsewhere=name == "int8" and settings.target not in ("auto", targets.own()))
                       for name, file in files.items()]
        return gate.judge(candidates, examples, max_score_drop=settings.max_score_drop, seed=run.recipe.seed,
                          batch=run.micro_batch(run.launched()["processes"]))

    judged = judge()
    if form and settings.rescue and judged[-1].verdict == "fail" and task.head.decoding:
        run.say("int8: no other form is looked for, since every trial would have to write all texts anew")
    elif form and settings.rescue and judged[-1].verdict == "fail":
        run.say(f"int8 {judged[-1].reason}: looking for a form that holds")
        if int8.search(run, files["fp32"], files["int8"], form=form, task=task, processor=processor, threads=threads):
            judged = judge()
    report = {"settings": _settings(run), "optimize": fused,
              **gate.overall([_placed(artifact, draft, run.folder.path) for artifact in judged],
                             max_score_drop=settings.max_score_drop)}
    _tell(run, report)
    if report["default"] is None:
        _refuse(run, report, draft=draft)
    _withhold(run, report, files)
    manifest.write(draft, default=files[report["default"]].relative_to(draft).as_posix())
    _publish(report, draft=draft, final=run.folder.path / "onnx")


def _refuse(run: Run, report: dict[str, Any], *, draft: Path) -> None:
    """Nothing is published, so that the stage stays unfinished; what was made is kept aside to be looked into."""
    aside = run.folder.path / "withheld" / "onnx"
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(exist_ok=True)
    draft.rename(aside)
    run.folder.write("withheld/onnx/report.json", report)
    raise ExportError("export", f"{report['reason']}. The fp32 model does not answer as PyTorch does, so nothing is "
                                f"published. What was made lies in {aside}, to be looked into.")


def _config(model: Path, draft: Path) -> None:
    """The model's own configuration and processor files travel along."""
    for file in model.iterdir():
        if file.is_file() and file.suffix in (".json", ".txt", ".model") and file.name != saved.NAME:
            shutil.copy2(file, draft / file.name)


def _placed(artifact: gate.Artifact, draft: Path, folder: Path) -> gate.Artifact:
    """The artefact with its size and its name inside the run folder."""
    file = Path(artifact.file)
    weights = file.glob("*.safetensors") if file.is_dir() else _with_weights(file)
    name = (Path("onnx") / file.relative_to(draft)) if file.is_relative_to(draft) else file.relative_to(folder)
    return replace(artifact, file=name.as_posix(), size_mib=sum(part.stat().st_size for part in weights) / 2**20)


def _with_weights(file: Path) -> list[Path]:
    """The graphs of a model and, above 2 GiB, the weights beside them."""
    beside = [part.with_name(f"{part.name}_data") for part in parts(file)]
    return [*parts(file), *(part for part in beside if part.is_file())]


def _withhold(run: Run, report: dict[str, Any], files: dict[str, Path]) -> None:
    """A model that failed the gate, or is slower than what it was made from, leaves the folder that is published."""
    for artifact in report["artifacts"]:
        if artifact["verdict"] in ("fail", "slower") and artifact["name"] != "fp32":
            file = files[artifact["name"]]
            place = run.folder.path / "withheld" / artifact["name"] / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            for part in _with_weights(file):
                shutil.move(part, place.with_name(part.name))
            file.parent.rmdir()
            artifact["file"] = place.relative_to(run.folder.path).as_posix()
            run.say(f"{artifact['name']} {artifact['reason']}, so {report['default']} is what you get"
                    if artifact["verdict"] == "slower" else
                    f"warning: {artifact['name']} is withheld: it {artifact['reason']}")


def _publish(report: dict[str, Any], *, draft: Path, final: Path) -> None:
    """The finished folder in place, with its report, which says that the stage is done; the earlier one until then."""
    write_json(draft / "report.json", report)
    earlier = final.with_name(".onnx.earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if final.is_dir():
        final.rename(earlier)
    draft.rename(final)
    shutil.rmtree(earlier, ignore_errors=True)
    _forget(final.with_name("withheld"), report)


def _forget(withheld: Path, report: dict[str, Any]) -> None:
    """What earlier exports withheld, and no report speaks of any more, is removed."""
    named = {Path(artifact["file"]).parent.name for artifact in report["artifacts"]
             if artifact["file"].startswith(f"{withheld.name}/")}
    for place in withheld.glob("*"):
        if place.name not in named:
            shutil.rmtree(place)
    if withheld.is_dir() and not named:
        withheld.rmdir()


def _settings(run: Run) -> dict[str, Any]:
    """How this export was asked for, which may differ from what the run was started with."""
    values = override.values(run.recipe)
    return {key.removeprefix("export."): value for key, value in values.items() if key.startswith("export.")}


def _tell(run: Run, report: dict[str, Any]) -> None:
    for artifact in report["artifacts"]:
        run.say(_line(artifact, run.recipe.task.roles[run.recipe.task.target]))
        if artifact["warning"] and artifact["verdict"] != "fail":
            run.say(f"warning: {artifact['name']} {artifact['warning']}")
    sizes = {artifact["name"]: artifact["size_mib"] for artifact in report["artifacts"]}
    convolves = isinstance(run.recipe.export.quantize, Int8Dynamic) and "image" in run.recipe.task.roles.values()
    if convolves and sizes.get("int8", 0.0) > LITTLE_SAVED * sizes["fp32"]:
        run.say("int8 hardly differs from fp32 here: dynamic quantization covers matrix products, and this model is "
                "made of convolutions; export.quantize=int8_static covers them")


def _line(artifact: dict[str, Any], target: str) -> str:
    low, high = artifact["score_drop_interval"]
    text = f"{artifact['name']:10}{artifact['size_mib']:7.1f} MiB  {artifact['latency_ms_p50']:7.2f} ms"
    if artifact["verdict"] == "reference":
        return f"{text}  score {artifact['score']:.4f}"
    difference = artifact["max_abs_diff"]
    same = (f"same text {artifact['agreement']:.2%}" if difference is None else
            f"{SAME.get(target, 'same answer')} {artifact['agreement']:.2%}  max difference {difference:.1e}")
    return (f"{text}  score {artifact['score']:.4f}  drop {artifact['score_drop']:+.4f} ({low:+.4f} to {high:+.4f})  "
            f"{same}  {artifact['speedup']:.1f}x  {artifact['verdict']}")
