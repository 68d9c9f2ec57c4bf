"""Run by torchrun: fit each miniature on all processes and write the losses. `... tests.parity.processes OUT RATES`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from accelerate import PartialState

from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting


def main() -> None:
    """One log file and one result file per kind; uneven rows, so that the last batch and the evaluation are ragged."""
    out, rates = Path(sys.argv[1]), json.loads(sys.argv[2])
    state = PartialState(cpu=True)
    for kind, lr in rates.items():
        made = setting.training(kind, out / kind, train=setting.steps(30, micro_batch=32 // state.num_processes, lr=lr), num_rows=101,
                                dropout=0.0, augment=False)
        progress = loop.fit(made, Progress())
        predicted = loop.evaluate(made)
        if state.is_main_process:
            result = {"processes": state.num_processes, "score": progress.best_score,
                      "rows": len(predicted.columns["prediction"]), "predictions": predicted.columns["prediction"].tolist()}
            (out / kind / "result.json").write_text(json.dumps(result))
        state.wait_for_everyone()


if __name__ == "__main__":
    main()
