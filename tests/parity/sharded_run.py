"""Run by torchrun: the training stage of a prepared run, sharded. `... tests.parity.sharded_run RUN`."""

from __future__ import annotations

import sys
from pathlib import Path

from accelerate import PartialState
from rich.console import Console

from finetune.run import pipeline, train
from finetune.run.folder import RunFolder
from tests.parity.sharded import shard


def main() -> None:
    """What `finetune train --resume RUN` does with the fsdp profile."""
    state = PartialState(cpu=True)
    shard(True)
    train.train(pipeline.reopen(RunFolder(Path(sys.argv[1])), Console(quiet=not state.is_main_process)))


if __name__ == "__main__":
    main()
