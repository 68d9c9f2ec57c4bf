"""MSRA's Chinese entities, character by character, through `ner`: `make bench NAME=msra_ner [ARGS=ROWS]`.

The backbone here is MiniLM, whose vocabulary is English: it has few of these characters and makes the others one
unknown token. So the number says that the road is open for a language without blanks, not what a Chinese backbone
reaches on it (recalled: BERT-base-Chinese, about 0.95 on the full set). The first sentences of each file are taken, and
test is read once.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import runs

ROWS = {"train": 400, "dev": 100, "test": 300}  # sentences of 8,000, 1,000 and 1,000


def main() -> None:
    """One seed on part of the rows, with as many training rows as are asked for."""
    folder = runs.data("msra_ner_zh_10k")
    rows = ROWS | ({"train": int(sys.argv[1])} if len(sys.argv) > 1 else {})
    with tempfile.TemporaryDirectory() as output:
        settings = ["train.length=4epochs", "train.evaluate_every=2epochs", "seed=1"]
        for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
            sentences = (folder / f"{name}.conll").read_text(encoding="utf-8").split("\n\n")
            file = Path(output) / f"{split}.conll"
            file.write_text("\n\n".join(sentences[: rows[name]]), encoding="utf-8")
            settings.append(f"data.files.{split}={file}")
        runs.report(f"MSRA Chinese entities, {rows['train']:,} training rows, through ner",
                    [runs.run("ner", settings, Path(output))])


if __name__ == "__main__":
    main()
