"""The command line: its verbs in the order in which a user meets them."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from finetune import __version__, redact
from finetune.errors import FinetuneError, SpecError
from finetune.verbs import clean, env, evaluate, export, launch, listing, predict, push, run, show, train
from finetune.verbs.arguments import err, out

VERBS = {"list": listing, "show": show, "clean": clean, "run": run, "launch": launch, "train": train,
         "evaluate": evaluate, "export": export, "predict": predict, "push": push, "env": env}

WHOLE = ("is not installed, and this command needs it: the base install can list, show and predict. In the repository, "
         'make setup installs all, and so does pip install ".[train,report]".')

DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]}, rich_markup_mode="rich")
for name, module in VERBS.items():
    app.command(name, epilog=f"Example:  {module.EXAMPLE}")(module.verb)


def main() -> None:
    """Run the command line; a FinetuneError prints its message and ends with its exit code.

    So does the base install, which predicts alone, where it is asked for more.
    """
    redact.guard()
    try:
        app(standalone_mode=True)
    except FinetuneError as error:
        _print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DENIED:
            raise
        way_out = "Use a place that you may write to, and files that you may read."
        _print_error(FinetuneError(str(error.filename), f"{error.strerror}. {way_out}"))
        sys.exit(FinetuneError.exit_code)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("finetune"):
            raise
        _print_error(FinetuneError(error.name, WHOLE))
        sys.exit(FinetuneError.exit_code)


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
