"""Copies in public data sets, where it is known what is there: `make bench NAME=real_dirt`.

Found, true, false and missed per set and rule. The truth comes with the set, or is recounted here in plain Python: what
equals another row as a string must be found, and what is found must equal it in its letters and digits. Figures in
brackets are those that the set's own page counts. For near copies beyond that there is no truth: some are shown.
"""

from __future__ import annotations

import csv
import gzip
import io
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby

import numpy as np
import pyarrow as pa
from PIL import Image

import runs
from finetune.clean import engine
from finetune.clean.engine import Cleaned
from finetune.clean.near import pairs

ROLES = {"text": "text", "label": "label"}
BETWEEN = "\x1f"  # the texts of a row of several
REPORT = {"duplicates": "report", "contradictions": "report", "leakage": "report"}  # every rule sees every row
Rows = list[tuple[str, str]]  # text and label


def table(name: str, rows: Rows, texts: Sequence[str] = ("text",)) -> pa.Table:
    """The rows as the reader hands them over, with the names of their texts."""
    cells = zip(*(text.split(BETWEEN) for text, _ in rows), strict=True)
    return pa.table({"row": [f"{name}:{number}" for number in range(len(rows))],
                     "hash": [sha256(text.encode()).hexdigest() for text, _ in rows],
                     **dict(zip(texts, map(list, cells), strict=True)), "label": [label for _, label in rows]})


def cleaned(**splits: Rows) -> Cleaned:
    """The default rules over rows of one text, nothing dropped."""
    return cleaned_texts(splits, ("text",))


def cleaned_texts(splits: Mapping[str, Rows], texts: Sequence[str]) -> Cleaned:
    """The default rules over rows of one or more texts, nothing dropped."""
    started = time.perf_counter()
    roles = {**dict.fromkeys(texts, "text"), "label": "label"}
    found = engine.clean({name: table(name, rows, texts) for name, rows in splits.items()}, roles, REPORT)
    num_rows = sum(map(len, splits.values()))
    seconds = time.perf_counter() - started
    print(f"  {num_rows:,} rows in {seconds:.2f} s ({num_rows / seconds:,.0f} rows/s)")
    return found


def rows_of(found: Cleaned, rule: str, split: str = "train", *, reason: str = "") -> set[int]:
    """The numbers of the rows that a rule found."""
    return {int(line.row.partition(":")[2]) for line in found.ledger
            if (line.rule, line.split) == (rule, split) and reason in line.reason}


def compare(what: str, found: set[int], *, must: set[int], may: set[int] | None = None) -> None:
    """One line: found, true, false (not in `may`), missed (of `must`)."""
    may = must if may is None else may
    print(f"    {what}: found {len(found):,}, true {len(found & may):,}, false {len(found - may):,}, "
          f"missed {len(must - found):,}")


def repeated(texts: Iterable[str]) -> set[int]:
    """The rows whose string stood before."""
    first: dict[str, int] = {}
    return {row for row, text in enumerate(texts) if first.setdefault(text, row) != row}


def folded(text: str) -> str:
    """NFKC, case folded, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def loose(text: str) -> str:
    """Letters and digits alone, or the text itself where it has none."""
    return "".join(filter(str.isalnum, folded(text))) or text


def articles() -> None:
    """A thousand articles, ten of which are near copies of another ten."""
    folder = runs.data("neardup_articles_1000")
    lines = [line.partition(" ") for line in (folder / "articles_1000.train").read_text().splitlines()]
    place = {name: row for row, (name, _, _) in enumerate(lines)}
    pairs = (folder / "articles_1000.truth").read_text().splitlines()
    truth = {max(place[name] for name in pair.split()) for pair in pairs}
    print("neardup_articles_1000")
    found = cleaned(train=[(text, "a") for _, _, text in lines])
    compare("near copies (10 pairs)", rows_of(found, "near_duplicates"), must=truth)


def messages() -> None:
    """SMS with hundreds of copies."""
    lines = (runs.data("sms_spam") / "sms.tsv").read_text(encoding="utf-8").split("\n")
    rows = [(text, label) for label, _, text in (line.partition("\t") for line in lines if line)]
    print("sms_spam")
    found = cleaned(train=rows)
    texts = [text for text, _ in rows]
    copies, alike = rows_of(found, "duplicates"), repeated(map(loose, texts))
    compare("exact copies (403) and what is found beside them", copies, must=repeated(texts), may=alike)
    compare("copies after folding case and blanks (415)", copies, must=repeated(map(folded, texts)), may=alike)
    judge(found, rows)


def questions() -> None:
    """TREC: copies in train, and leaks into test."""
    splits: dict[str, Rows] = {}
    for name in ("train", "test"):
        with (runs.data("trec") / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
            splits[name] = [(row["question"], row["coarse"]) for row in csv.DictReader(opened)]
    print("trec")
    found = cleaned(**splits)
    texts = {name: [text for text, _ in rows] for name, rows in splits.items()}
    copies = rows_of(found, "duplicates")
    compare("copies in train (71 exact)", copies, must=repeated(texts["train"]),
            may=repeated(map(loose, texts["train"])))
    equal, alike = set(texts["train"]), set(map(loose, texts["train"]))
    compare("questions of test in train (11)", rows_of(found, "leakage", "test", reason="same as"),
            must={row for row, text in enumerate(texts["test"]) if text in equal},
            may={row for row, text in enumerate(texts["test"]) if loose(text) in alike})
    print(f"    near copies of test in train: {len(rows_of(found, 'leakage', reason='near copy')):,}")
    show(found, "leakage", splits["train"], reason="near copy")
    judge(found, splits["train"])


def meals() -> None:
    """Chinese reviews, some with both labels."""
    with (runs.data("waimai_10k") / "waimai_10k.csv").open(encoding="utf-8", newline="") as opened:
        rows = [(row["review"], row["label"]) for row in csv.DictReader(opened)]
    print("waimai_10k")
    found = cleaned(train=rows)
    contradicted = rows_of(found, "contradictions")
    compare("contradictions (14 rows of 7 equal texts) and what is found beside them", contradicted,
            must=contradicting(rows), may=contradicting([(loose(text), label) for text, label in rows]))
    judge(found, rows)


def sentence_pairs() -> None:
    """STS: pairs of sentences, some with two scores, some in two splits.

    The set's page counts pairs whatever their order, and so does cleaning, for the names of the two columns say so.
    """
    splits: dict[str, Rows] = {}
    for name, file in (("train", "train"), ("validation", "dev"), ("test", "test")):
        with (runs.data("stsb") / f"stsb-en-{file}.csv").open(encoding="utf-8", newline="") as opened:
            splits[name] = [(f"{one}{BETWEEN}{other}", score) for one, other, score in csv.reader(opened)]
    print("stsb")
    found = cleaned_texts(splits, ("text_a", "text_b"))
    texts = {name: [text for text, _ in rows] for name, rows in splits.items()}
    compare("rows of pairs with two scores (15 pairs)", rows_of(found, "contradictions"),
            must=contradicting([(either_way(text), score) for text, score in splits["train"]]),
            may=contradicting([(either_way(text, loose), score) for text, score in splits["train"]]))
    compare("copies in train (44 pairs, those with two scores aside)", rows_of(found, "duplicates"),
            must=repeated(f"{either_way(text)} {score}" for text, score in splits["train"])
            - contradicting([(either_way(text), score) for text, score in splits["train"]]),
            may=repeated(either_way(text, loose) for text in texts["train"]))
    for one, other, count in (("validation", "train", 7), ("test", "train", 12), ("test", "validation", 3)):
        equal = set(map(either_way, texts[other]))
        leaks = {int(line.row.partition(":")[2]) for line in found.ledger if (line.rule, line.split) == ("leakage", one)
                 and f"in {other}" in line.reason.partition("near copy of")[0]}
        compare(f"rows of {one} with a pair of {other} ({count} pairs)", leaks,
                must={row for row, text in enumerate(texts[one]) if either_way(text) in equal})


def either_way(pair: str, spelling: Callable[[str], str] = str.strip) -> str:
    """A pair of texts in the order of the alphabet."""
    return BETWEEN.join(sorted(map(spelling, pair.split(BETWEEN))))


def tagged() -> None:
    """WNUT: sentences of tagged tokens, of which the tags are the label."""
    lines = (runs.data("wnut17") / "wnut17train.conll").read_text(encoding="utf-8").split("\n")
    rows: Rows = []
    for is_blank, group in groupby(lines, key=lambda line: not line.strip()):
        if not is_blank:
            tokens, tags = zip(*(line.split("\t")[:2] for line in group), strict=True)
            rows.append((" ".join(tokens), " ".join(tags)))
    print("wnut17")
    found = cleaned(train=rows)
    texts = [text for text, _ in rows]
    either = rows_of(found, "duplicates") | rows_of(found, "contradictions")
    compare("repeated sentences (103), with the same tags or not", either & repeated(texts), must=repeated(texts))
    compare("sentences with two taggings", rows_of(found, "contradictions"), must=contradicting(rows),
            may=contradicting([(loose(text), tags) for text, tags in rows]))
    judge(found, rows)


def publications() -> None:
    """DBLP-ACM: records of one paper in two libraries, with the truth about 12,000 pairs of records."""
    print("er_dblp_acm")
    for fields in (("title",), ("title", "authors")):
        truth: dict[tuple[str, str], set[str]] = defaultdict(set)
        for split in ("train", "valid", "test"):
            for line in (runs.data("er_dblp_acm") / f"{split}.txt").read_text(encoding="utf-8").splitlines():
                one, other, label = line.split("\t")
                truth[spelt(one, fields), spelt(other, fields)].add(label)
        texts = sorted({text for pair in truth for text in pair})
        started = time.perf_counter()
        near = pairs.find([table("train", [(text, "a") for text in texts])], ROLES)
        seconds = time.perf_counter() - started
        found = {(texts[a], texts[b]) for a, b in zip(near.left.tolist(), near.right.tolist(), strict=True)}
        judged = {pair: labels for pair, labels in truth.items() if len(labels) == 1}
        true = {pair for pair, labels in judged.items() if labels == {"1"}}
        got = {pair for pair in judged if pair[0] == pair[1] or pair in found or pair[::-1] in found}
        print(f"  {len(texts):,} records by {' and '.join(fields)} in {seconds:.2f} s")
        print(f"    of {len(true):,} pairs of one paper found {len(got & true):,}, of {len(judged) - len(true):,} "
              f"of two {len(got - true):,}: recall {len(got & true) / len(true):.3f}, "
              f"precision {len(got & true) / max(1, len(got)):.3f}")


def digits() -> None:
    """3,000 handwritten digits of MNIST at 64 x 64: all of them alike, and none a copy of another."""
    content = gzip.decompress((runs.data("mnist_10k") / "t10k-images-idx3-ubyte.gz").read_bytes())
    cells = []
    for grey in np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)[:3000]:
        opened = io.BytesIO()
        Image.fromarray(grey).resize((64, 64), Image.Resampling.BICUBIC).save(opened, "PNG")
        cells.append(opened.getvalue())
    rows = pa.table({"image": pa.array(cells, pa.binary()), "hash": [sha256(cell).hexdigest() for cell in cells]})
    found = pairs.find([rows], {"image": "image"})
    print(f"mnist_10k\n    near copies among {len(cells):,} digits of 64 x 64: {len(found.left):,} pairs, "
          f"{len(set(found.right.tolist())):,} rows, all false")


def spelt(record: str, fields: tuple[str, ...]) -> str:
    """Some fields of a record, one after the other."""
    cells = dict(part.partition(" VAL ")[::2] for part in record.split("COL ") if part)
    return " ".join(cells[field].strip() for field in fields)


def contradicting(rows: Rows) -> set[int]:
    """The rows whose string has two labels."""
    labels = defaultdict(set)
    for text, label in rows:
        labels[text].add(label)
    return {row for row, (text, _) in enumerate(rows) if len(labels[text]) > 1}


def judge(found: Cleaned, rows: Rows) -> None:
    """Near copies beyond the truth that is known: counted, and a few shown for the reader to judge."""
    for rule in ("near_duplicates", "near_contradictions"):
        print(f"    {rule}: {len(rows_of(found, rule)):,} rows")
        show(found, rule, rows)


def show(found: Cleaned, rule: str, rows: Rows, *, reason: str = "") -> None:
    """The first four findings, with the row that each is a copy of where that is one of `rows`."""
    lines = [line for line in found.ledger if (line.rule, line.split) == (rule, "train") and reason in line.reason]
    for line in lines[:4]:
        print(f"      {line.row} {line.reason}\n        {line.before!s:.150}")
        other = line.reason.partition("copy ")[2].removeprefix("of ").split()[0].split(":")
        if other[0] == "train":
            print(f"        {rows[int(other[1])][0]:.150}")


def main() -> None:
    """One set after the other."""
    for judged in (articles, messages, questions, meals, sentence_pairs, tagged, publications, digits):
        judged()


if __name__ == "__main__":
    main()
