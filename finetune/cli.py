"""The command line: list, show, run, train, export, predict. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from finetune import __version__, override
from finetune import recipe as recipes
from finetune.errors import FinetuneError, SpecError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]}, rich_markup_mode="rich")
out, err = Console(), Console(stderr=True)

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="Name, NAME:VARIANT, or a .py file.")]
Overrides = Annotated[list[str] | None, typer.Argument(
    metavar="[KEY=VALUE]...", help="Settings; `finetune show RECIPE` lists all.")]
Resume = Annotated[bool, typer.Option(
    "--resume", help="Go on with the newest unfinished run, or with the RUN folder given after the recipe.")]
Inputs = Annotated[list[str] | None, typer.Argument(
    metavar="[INPUT]...", help="Texts, or paths of pictures; none reads lines from standard input.")]
RunPlace = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, as runs/sentiment/last.")]


def main() -> None:
    """Run the command line; a FinetuneError prints its message and ends with its exit code."""
    try:
        app(standalone_mode=True)
    except FinetuneError as error:
        _print_error(error)
        sys.exit(error.exit_code)


def _print_error(error: FinetuneError) -> None:
    problems = error.problems if isinstance(error, SpecError) else (str(error),)
    for text in (*problems, *getattr(error, "__notes__", ())):
        err.print(text, markup=False, highlight=False, soft_wrap=True)


def _version(asked: bool) -> None:
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def finetune(
    version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Fine-tune Hugging Face models on text and images: rows in, a checked ONNX model out."""


@app.command("list", epilog="Example:  finetune list")
def list_recipes() -> None:
    """The recipes and what each is for."""
    table = Table(box=None, pad_edge=False)
    table.add_column("recipe", style="bold")
    table.add_column("what it does")
    for name, file in recipes.available().items():
        table.add_row(name, recipes.docstring(file).partition("\n")[0])
        for variant in recipes.variants(file):
            table.add_row(f"{name}:{variant}", "")
    out.print(table)


@app.command(epilog="Example:  finetune show sentiment train.lr=3e-5")
def show(recipe: RecipeName, overrides: Overrides = None) -> None:
    """A recipe's description and every setting, with your overrides marked."""
    from finetune.run.pipeline import open_keys, resolve

    resolved = resolve(recipe, overrides or [])
    origins = override.origins(resolved, overrides or [])
    stem = recipe.partition(":")[0]
    out.print(recipes.docstring(Path(stem) if stem.endswith(".py") else recipes.available()[stem]), markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("key", "value", "from"):
        table.add_column(title)
    styles = {"command line": "bold", "recipe": None, "default": "dim"}
    for key, value in sorted((open_keys(resolved) | override.values(resolved)).items()):
        origin = origins.get(key, "default")
        table.add_row(key, _spelt(value), origin, style=styles[origin])
    out.print()
    out.print(table)


@app.command(epilog="Example:  finetune run sentiment data.files.train=reviews.csv data.columns.text=review")
def run(recipe: RecipeName, overrides: Overrides = None, resume: Resume = False) -> None:
    """All stages: clean, train, evaluate, export, report."""
    from finetune.run import pipeline

    made = _run(recipe, overrides or [], resume=resume)
    pipeline.carry_out(made)
    _box(pipeline.summary(made))


@app.command(epilog="Example:  accelerate launch --num_processes 2 -m finetune train sentiment")
def train(recipe: RecipeName, overrides: Overrides = None, resume: Resume = False) -> None:
    """Clean and train only; works under accelerate launch and torchrun."""
    if not resume:
        from finetune.run import pipeline

        pipeline.resolve(recipe, overrides or [])  # a wrong word is answered before torch is loaded
    from finetune.run import launch

    launch.train(lambda console: _run(recipe, overrides or [], resume=resume, console=console))


@app.command(epilog="Example:  finetune export runs/sentiment/last")
def export(place: RunPlace) -> None:
    """Export a trained run again and judge it; exit code 4 when an exported model fails the gate."""
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


@app.command(epilog='Example:  finetune predict runs/sentiment/last "What a lovely evening."')
def predict(
    place: RunPlace,
    inputs: Inputs = None,
    as_json: Annotated[bool, typer.Option(
        "--json", help="One JSON object a line, with every label's probability.")] = False,
) -> None:
    """Answer from the exported model; needs neither torch nor transformers."""
    from finetune.predict import Predictor

    given = inputs or [line.rstrip("\n") for line in sys.stdin]
    for answer in Predictor.open(place)(given):
        if as_json:
            print(json.dumps({"input": answer.input, "label": answer.label, "probabilities": answer.probabilities},
                             ensure_ascii=False))
        else:
            ranked = "  ".join(f"{name} {share:.3f}" for name, share in list(answer.probabilities.items())[:3])
            out.print(Text.assemble((answer.label, "bold"), "  ", (ranked, "dim"), "  "), end="", soft_wrap=True)
            out.print(answer.input, markup=False, highlight=False, soft_wrap=True)


def _spelt(value: Any) -> str:
    """A value as an override would write it."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def _run(recipe: str, arguments: list[str], *, resume: bool, console: Console = out) -> Any:
    """A new run, or with --resume an existing one: an argument without `=` is its folder."""
    from finetune.run import pipeline

    if not resume:
        return pipeline.start(recipe, arguments, command=shlex.join(["finetune", *sys.argv[1:]]), console=console)
    places = [Path(text) for text in arguments if "=" not in text]
    return pipeline.go_on(recipe, [text for text in arguments if "=" in text], place=places[0] if places else None,
                          console=console)


def _box(lines: dict[str, str]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines.items():
        table.add_row(name, text)
    out.print(Panel(table, title="done", expand=False))

