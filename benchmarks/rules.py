"""What the cleaning rules find in public text sets, and how fast: `make bench NAME=rules [ARGS="ROWS [RULE ...]"]`.

One line per set and rule: rows found, rows per second, and examples of what was found, to be judged by eye. Then the
truth that the READMEs of the sets state: found, true, false. Then every rule on ROWS (200,000) generated texts of 40
words. The sets lie in ../shared/data; a set that is not there is left out and named.
"""

from __future__ import annotations

import csv
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from finetune.clean import cells, engine
from finetune.contracts import Learner

DATA = Path(__file__).parents[2] / "shared" / "data"
SMS = "sms_spam/sms.tsv"
ROLES = {"text": "text", "label": "label"}
EXAMPLES = 3  # of each rule and set
BROKEN = re.compile(r"(?<!&)#\d+;")  # entities that lost their ampersand, as the README of ag_news_7600 counts them


def table(pairs: list[tuple[str, str]]) -> pa.Table:
    """Rows as the reader gives them."""
    texts, labels = zip(*pairs, strict=True)
    return pa.table({"row": [f"row:{i}" for i in range(len(texts))], "text": pa.array(texts), "label": pa.array(labels),
                     "hash": [sha256(text.encode()).hexdigest() for text in texts]})


def columns(name: str, text: str, label: str) -> list[tuple[str, str]]:
    """Two columns of a CSV file with a header."""
    with (DATA / name).open(encoding="utf-8", newline="") as opened:
        return [(line[text], line[label]) for line in csv.DictReader(opened)]


def lines(name: str) -> list[str]:
    """The lines of a text file that are not empty, in UTF-8 or else as the rt_polarity files are written."""
    raw = (DATA / name).read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
    return [line for line in text.split("\n") if line]


def ag_news() -> list[tuple[str, str]]:
    """Title and description as one text."""
    with (DATA / "ag_news_7600/test.csv").open(encoding="utf-8", newline="") as opened:
        return [(f"{title} {text}", label) for label, title, text in csv.reader(opened)]


SETS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "sst2": lambda: columns("sst2/train.csv", "sentence", "label"),
    "trec": lambda: columns("trec/train.csv", "question", "coarse"),
    "trec_fine": lambda: columns("trec/train.csv", "question", "fine"),
    "sms_spam": lambda: [(text, label) for label, _, text in (line.partition("\t") for line in lines(SMS))],
    "ag_news_7600": ag_news,
    "waimai_10k": lambda: columns("waimai_10k/waimai_10k.csv", "review", "label"),
    "rt_polarity": lambda: [(line, sign) for sign in ("pos", "neg")
                            for line in lines(f"rt_polarity/rt-polarity.{sign}")],
}


def generated(num_rows: int, chance: random.Random) -> pa.Table:
    """Clean English texts of about 40 words; every one differs."""
    heads = ("an", "be", "co", "di", "fo", "ga", "li", "mo", "ne", "pa", "ri", "so", "tu", "we")
    tails = ("ber", "con", "dle", "fer", "lot", "man", "nish", "per", "ron", "sel", "ter", "ving", "west", "y")
    words = [head + tail for head in heads for tail in tails]
    small = ["the", "and", "of", "to", "a", "in", "is", "that", "it", "for"]
    texts = (" ".join(chance.choices(words, k=28) + chance.choices(small, k=12)) for _ in range(num_rows))
    return table([(f"{text} number {i}.", chance.choice("ab")) for i, text in enumerate(texts)])


def measured(rows: pa.Table, chosen: list[str]) -> Iterator[tuple[str, Any, float]]:
    """Rule, findings and rows per second, each rule on what the former ones left (repairs only)."""
    for name, rule in engine.rules().items():
        if not set(rule.kinds) & set(ROLES.values()) or name in engine.embedding():
            continue
        started = time.perf_counter()
        find = rule.learn(rows, ROLES) if isinstance(rule, Learner) else rule.find
        found = find(rows, ROLES)
        seconds = time.perf_counter() - started
        if not chosen or name in chosen:
            yield name, found, rows.num_rows / seconds
        if rule.default == "fix":
            repaired = {row: after for row, after in zip(found.rows, found.after, strict=True) if after is not None}
            rows = cells.replace_cells(rows, "text", cells=repaired)


def show(name: str, found: Any, speed: float) -> None:
    """A line for the rule, and some of what it found."""
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in found.counts.items())
    print(f"  {name:15} {len(set(found.rows)):7,} rows found {speed:13,.0f} rows/s   {kinds}")
    if name not in ("duplicates", "contradictions", "whitespace"):
        for at in range(0, len(found), max(1, len(found) // EXAMPLES)):
            print(f"      {found.reasons[at]}: {(found.before[at] or '')[:110]!r}")


def truth_of_ag_news() -> None:
    """Rows with broken numeric entities, of which the README counts 1,991, against the rule's."""
    from finetune.clean import markup

    rows = table(ag_news())
    true = {row for row, text in enumerate(rows["text"].to_pylist()) if BROKEN.search(text)}
    found = markup.find(rows, ROLES)
    left = sum(bool(BROKEN.search(str(text or ""))) for text in found.after)
    print(f"ag_news_7600, numeric entities without ampersand: {len(true):,} rows (README: 1,991); "
          f"{len(true & set(found.rows)):,} found, {left} left after repair; "
          f"{len(set(found.rows) - true)} more rows found for other remains")


def main() -> None:
    """Public sets, their truth, speed."""
    num_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    for name, read in SETS.items():
        if not (DATA / name.removesuffix("_fine")).is_dir():
            print(f"{name}: not in {DATA}")
            continue
        rows = table(read())
        print(f"{name}: {rows.num_rows:,} rows")
        for line in measured(rows, sys.argv[2:]):
            show(*line)
    if (DATA / "ag_news_7600").is_dir():
        truth_of_ag_news()
    rows = generated(num_rows, random.Random(0))
    print(f"generated: {num_rows:,} rows of 40 words")
    for line in measured(rows, sys.argv[2:]):
        show(*line)


if __name__ == "__main__":
    main()
