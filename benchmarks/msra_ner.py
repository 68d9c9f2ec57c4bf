"""MSRA's Chinese entities, character by character, through `ner`: `make bench NAME=msra_ner [ARGS=ROWS]`.

The backbone here is MiniLM, whose vocabulary is English: it has few of these characters and makes the others one
unknown token. So the number says that the road is open for a language without blanks, not what a Chinese backbone
reaches on it (recalled: BERT-base-Chinese, about 0.95 on the full set). Test is read once.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import runs

ROWS = 1_000  # of 8,000 training rows


def main() -> None:
    """One seed on part of the training rows."""
    folder = runs.data("msra_ner_zh_10k")
    files = [f"data.files.{split}={folder / name}.conll" for split, name in
             (("train", "train"), ("validation", "dev"), ("test", "test"))]
    rows = sys.argv[1] if len(sys.argv) > 1 else str(ROWS)
    with tempfile.TemporaryDirectory() as output:
        settings = [*files, f"data.max_rows={rows}", "train.length=3epochs", "seed=1"]
        runs.report(f"MSRA Chinese entities, {rows} training rows, through ner",
                    [runs.run("ner", settings, Path(output))])


if __name__ == "__main__":
    main()
