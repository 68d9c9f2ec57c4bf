"""SciTLDR abstracts (1,992 training rows) through `summarize`: `make bench NAME=summaries [ARGS=EPOCHS]`.

Shows that the loss falls, and what a small T5 from random weights is worth on real summaries: less than the first
sentence. A pretrained BART-large is said to reach ROUGE-L 0.35 with the best of several references; here the first of
them counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import runs
from finetune.write import read_lines, write_lines

SPLITS = {"train": "train", "dev": "validation", "test": "test"}
SHOWN = ("rougeL", "rouge1", "rouge2", "bleu", "chrf")


def written(source: Path, folder: Path) -> dict[str, Path]:
    """One text and one summary a row, by split."""
    files = {}
    for name, split in SPLITS.items():
        lines = [json.loads(line) for line in (source / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        rows = [{"text": " ".join(line["source"]), "summary": line["target"][0]} for line in lines]
        files[split] = folder / f"{split}.jsonl"
        write_lines(files[split], rows)
    return files


def backbone(folder: Path, train: Path) -> Path:
    """A small T5 with a tokenizer of the training rows, as a folder."""
    from finetune.backbones import small
    from finetune.tasks.summarization import Summarization

    texts = [text for row in read_lines(train) for text in (row["text"], row["summary"])]
    made = small.random("small-t5", Summarization().head, texts=texts)
    made.model.save_pretrained(folder)
    made.native.save_pretrained(folder)
    return folder


def main() -> None:
    """One run; prints the losses, the scores with their intervals and the gains over the baselines."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as output:
        files = written(runs.data("scitldr_a"), Path(output))
        place = backbone(Path(output) / "small-t5", files["train"])
        settings = [*(f"data.files.{split}={file}" for split, file in files.items()), f"model.name={place}",
                    "model.random=true", f"train.length={epochs}epochs", "train.evaluate_every=1epochs",
                    "train.precision=fp32", "train.threads=1", "train.lr=1e-3", "task.max_tokens=192",
                    "task.num_beams=1", "task.max_summary_tokens=48", "export.quantize=none"]
        found = runs.run("summarize", settings, Path(output) / "run")
        print("losses:", {line["step"]: round(line["loss"], 3) for line in read_lines(found.folder / "log.jsonl")
                          if line["event"] == "eval"})
        test = json.loads((found.folder / "metrics.json").read_text())
        for name in SHOWN:
            entry = test["splits"]["test"][name]
            print(f"test {name} {entry['value']:.4f} ({entry['low']:.4f} to {entry['high']:.4f})")
        for name, entry in test["baselines"].items():
            gain = entry["gain"]
            print(f"{name} {entry['rougeL']['value']:.4f}; gain {gain['value']:+.4f} ({gain['low']:+.4f} to "
                  f"{gain['high']:+.4f})")


if __name__ == "__main__":
    main()
