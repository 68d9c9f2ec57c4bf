"""A process that has imported the large libraries once and forks for every command, since that costs more than the work.

The package itself is imported anew in each fork. Orders come as JSON lines: arguments, cwd and the file to print to.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]


class Warm:
    """The running process; `finetune` is the command line, started without its imports."""

    def __init__(self, python: str = sys.executable) -> None:
        self._process = subprocess.Popen([python, "-m", "tests.warm"], cwd=ROOT, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def finetune(self, *arguments: str, cwd: Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
        """As `python -m finetune`; 142 is the exit code of a command that took too long."""
        printed = cwd / ".printed"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"arguments": arguments, "cwd": str(cwd), "printed": str(printed), "timeout": timeout}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        text = printed.read_text(encoding="utf-8")
        printed.unlink()
        return subprocess.CompletedProcess(["finetune", *arguments], code, text, text)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def preload() -> None:
    """What `finetune run` imports of others."""
    import accelerate
    import datasets
    import matplotlib.figure
    import onnxruntime
    import peft
    import sklearn.linear_model
    import timm
    import torch
    import transformers

    assert all((accelerate, datasets, matplotlib, onnxruntime, peft, sklearn, timm, torch, transformers))
    exporters = ("transformers.exporters.exporter_onnx",) if transformers.__version__ >= "5" else (
        "optimum.exporters.onnx", "optimum.onnxruntime")
    for name in exporters:
        importlib.import_module(name)
    for name in ("AutoConfig", "AutoTokenizer", "AutoModelForSequenceClassification", "AutoImageProcessor",
                 "AutoModelForImageClassification", "TimmWrapperForImageClassification"):
        getattr(transformers, name)


def run(order: dict[str, Any]) -> NoReturn:
    """The command, in a process of its own that ends with its exit code."""
    signal.alarm(order["timeout"])
    os.chdir(order["cwd"])
    file = os.open(order["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["finetune", *order["arguments"]]
    code = 0
    try:
        from finetune.cli import main

        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(orders: Sequence[str] | Any) -> None:
    """One order a line, one exit code a line."""
    preload()
    for line in orders:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.stdin)
