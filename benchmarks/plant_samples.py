"""Plant the known dirt of a sample anew: `python benchmarks/plant_samples.py NAME`.

The clean rows are read back from the shipped files and their key, so running it twice changes nothing. Dirt goes
into the training rows only. `key.csv` lists every planted row: its `row`, the `dirt`, the `rule` that must find it
(empty where only later rules can), and `original`, the text or label that it had or the row that it copies.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ftfy.bad_codecs  # noqa: F401  # Windows-1252 as browsers read it, which takes every byte

FOLDER = Path(__file__).parent.parent / "finetune" / "data" / "samples"
REPAIRED = ("broken encoding", "white space", "html")
COPIES = ("exact duplicate", "normalised duplicate", "near duplicate", "swapped duplicate", "contradiction",
          "swapped contradiction")
RULE = {"exact duplicate": "duplicates", "normalised duplicate": "duplicates", "swapped duplicate": "duplicates",
        "near duplicate": "near_duplicates", "blank": "blanks", "broken encoding": "encoding", "html": "markup",
        "white space": "whitespace", "contradiction": "contradictions", "swapped contradiction": "contradictions",
        "contradicted": "contradictions"}
MIN_WORDS = 8  # a shorter near copy is found by nobody
FEW = {"exact duplicate": 3, "normalised duplicate": 2, "near duplicate": 2, "blank": 3, "broken encoding": 3,
       "white space": 3, "html": 2, "contradiction": 2, "flipped label": 2}
FEW_PAIRS = FEW | {"exact duplicate": 2, "swapped duplicate": 2, "contradiction": 1, "swapped contradiction": 1}
Line = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """What is in a sample, and how much of which dirt."""

    columns: tuple[str, ...]
    other: Mapping[str, str]  # label -> what it is taken for
    held_out: Mapping[str, int]
    counts: Mapping[str, int]
    shortest: int  # words (characters of Chinese) of a text that gets dirt
    seed: int = 20

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold text to learn from."""
        return tuple(name for name in self.columns if name.startswith("text"))

    def place(self, dirt: str) -> str:
        """The column that a kind of dirt is in: of a pair, wrong bytes and tags are in the second."""
        return self.texts[-1 if dirt in ("broken encoding", "html") else 0]

    def content(self, row: Line) -> tuple[str, ...]:
        """The texts of a row."""
        return tuple(row[name] for name in self.texts)


SAMPLES = {
    "reviews": Sample(
        ("text", "label", "subject"), {"positive": "negative", "negative": "positive"},
        {"validation": 200, "test": 240},
        {"exact duplicate": 18, "normalised duplicate": 12, "near duplicate": 12, "blank": 8, "broken encoding": 14,
         "white space": 10, "html": 10, "contradiction": 10, "flipped label": 18}, shortest=8),
    "topics": Sample(
        ("text", "label"),
        {"missed_bin": "bulky_waste", "bulky_waste": "missed_bin", "street_light": "road_damage",
         "road_damage": "street_light", "parking_permit": "parking_fine", "parking_fine": "parking_permit",
         "noise": "dogs", "dogs": "parks_and_trees", "parks_and_trees": "road_damage", "water": "road_damage",
         "registry": "parking_permit", "library": "registry"},
        {"validation": 58, "test": 66}, FEW, shortest=12, seed=379),
    "paraphrase": Sample(
        ("text_a", "text_b", "label"), {"same": "different", "different": "same"},
        {"validation": 54, "test": 66}, FEW_PAIRS, shortest=8, seed=49),
    "similarity": Sample(
        ("text_a", "text_b", "label"),
        {f"{half / 2}": f"{(half + 6) % 11 / 2}" for half in range(11)},  # wrong by 2.5 or more
        {"validation": 50, "test": 60}, FEW_PAIRS, shortest=7, seed=134),
    "spam": Sample(
        ("text", "label"), {"ham": "spam", "spam": "ham"}, {"validation": 46, "test": 52}, FEW, shortest=8, seed=5),
    "toxicity": Sample(
        ("text", "label"),
        {"": "insult;toxicity", "toxicity": "", "identity_attack;toxicity": "toxicity", "insult;toxicity": "",
         "obscene;toxicity": "toxicity", "threat;toxicity": "insult;toxicity", "insult;obscene;toxicity": "toxicity",
         "insult;threat;toxicity": "insult;toxicity", "obscene;threat;toxicity": "obscene;toxicity",
         "identity_attack;insult;toxicity": "toxicity", "identity_attack;threat;toxicity": "threat;toxicity",
         "identity_attack;insult;obscene;toxicity": "insult;toxicity",
         "identity_attack;insult;threat;toxicity": "threat;toxicity", "insult;obscene;threat;toxicity": "toxicity"},
        {"validation": 46, "test": 52}, FEW, shortest=8, seed=3),
    "sentiment_zh": Sample(
        ("text", "label"), {"positive": "negative", "negative": "positive"},
        {"validation": 48, "test": 54}, FEW, shortest=24, seed=77),
}


def broken(text: str) -> tuple[list[str], str]:
    """The words of a text and the blank between them; its characters and nothing where it has no blanks."""
    return (text.split(" "), " ") if " " in text else (list(text), "")


def mojibake(text: str, _: random.Random) -> str:
    """UTF-8 read as Windows-1252, after typographic apostrophes have been put in."""
    return text.replace("'", "\u2019").encode("utf-8").decode("sloppy-windows-1252")


def loosened(text: str, chance: random.Random) -> str:
    """White space that nobody meant: doubled, no-break, a tab, at the ends; within Chinese, what cannot be seen."""
    words, blank = broken(text)
    at = chance.randrange(1, len(words))
    gap = chance.choice(["  ", "\t", "\u00a0", " \u200b", "   "] if blank else ["\u200b", "\ufeff"])
    start, end = chance.choice(["", " ", "\n"]), chance.choice(["", "  "])
    return start + blank.join(words[:at]) + gap + blank.join(words[at:]) + end


def marked_up(text: str, chance: random.Random) -> str:
    """What is left of a web page."""
    words, blank = broken(text)
    at = chance.randrange(1, len(words))
    left, right = blank.join(words[:at]), blank.join(words[at:])
    return chance.choice([f"{left}<br /><br />{right}", f"<p>{text}</p>", f"{left}{blank}&amp;{blank}{right}",
                          f"{left}{blank}<b>{right}</b>", f"{left}&nbsp;{right}"])


def recased(text: str, chance: random.Random) -> str:
    """The same words in another dress."""
    spaced = [text.upper(), text.lower().rstrip(".!"), text.replace(",", " ,") + " !!", f'"{text}"']
    dense = [text.rstrip("\u3002\uff01") + "\uff01\uff01\uff01", f"\u201c{text}\u201d"]
    return chance.choice([form for form in (spaced if " " in text else dense) if form != text])


def reworded(text: str, chance: random.Random) -> str:
    """One or two words gone, as in a corrected second posting; of Chinese, one character."""
    words, blank = broken(text)
    for _ in range(1 if len(words) < 20 or not blank else 2):
        del words[chance.randrange(1, len(words) - 1)]
    return blank.join(words)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "broken encoding": mojibake, "white space": loosened, "html": marked_up,
    "normalised duplicate": recased, "near duplicate": reworded,
}


def read(folder: Path, split: str) -> list[Line]:
    """One file of a sample, with its row ids."""
    with (folder / f"{split}.csv").open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        found, line = [], 2
        for row in reader:
            found.append(dict(row) | {"row": f"{split}.csv:{line}"})
            line = reader.line_num + 1
        return found


def clean_rows(sample: Sample, folder: Path) -> list[Line]:
    """The hand-written rows, freed of everything the key names."""
    with (folder / "key.csv").open(encoding="utf-8", newline="") as opened:
        key = {line["row"]: line for line in csv.DictReader(opened)}
    rows = []
    for line in [*read(folder, "train"), *read(folder, "validation"), *read(folder, "test")]:
        planted = key.get(line["row"], {"dirt": ""})
        dirt = planted["dirt"]
        if dirt in (*COPIES, "blank"):
            continue
        if dirt in (*REPAIRED, "flipped label"):
            line["label" if dirt == "flipped label" else sample.place(dirt)] = planted["original"]
        rows.append({name: line[name] for name in sample.columns})
    return sorted(rows, key=sample.content)


def plant(rows: list[Line], sample: Sample, chance: random.Random) -> list[Line]:
    """Training rows with dirt; a planted row carries `dirt` and `original`, or the texts of the row that it copies."""
    rows = [dict(row) for row in rows]
    free = list(range(len(rows)))
    chance.shuffle(free)

    def take(dirt: str) -> list[Line]:
        cells = {i: rows[i][sample.place(dirt)] for i in free}
        fits = [i for i, cell in cells.items() if len(broken(cell)[0]) >= sample.shortest
                and (dirt != "broken encoding" or "'" in cell or not cell.isascii())]
        chosen = fits[: sample.counts.get(dirt, 0)]
        free[:] = [i for i in free if i not in set(chosen)]
        return [rows[i] for i in chosen]

    for dirt in REPAIRED:
        for row in take(dirt):
            cell = row[sample.place(dirt)]
            row |= {"dirt": dirt, "original": cell, sample.place(dirt): CHANGES[dirt](cell, chance)}
    for row in take("flipped label"):
        row |= {"dirt": "flipped label", "original": row["label"], "label": sample.other[row["label"]]}
    added = [(copied(row, dirt, sample, chance=chance), row) for dirt in COPIES for row in take(dirt)]
    for copy, row in added:  # a copy stands behind its original, which is the row that stays
        at = next(i for i, other in enumerate(rows) if other is row)
        rows.insert(chance.randrange(at + 1, len(rows) + 1), copy)
    donors = [row for row in rows if "dirt" not in row] if len(sample.texts) > 1 else rows
    for i in range(sample.counts["blank"]):
        rows.insert(chance.randrange(len(rows)), blank(i, donors, sample, chance=chance))
    return rows


def copied(row: Line, dirt: str, sample: Sample, *, chance: random.Random) -> Line:
    """A copy of a row, which is marked where the two contradict each other."""
    name = sample.place(dirt)
    copy = row | {"dirt": dirt, name: CHANGES[dirt](row[name], chance) if dirt in CHANGES else row[name]}
    if dirt.startswith("swapped"):
        copy |= dict(zip(sample.texts, reversed(sample.content(row)), strict=True))
    if dirt.endswith("contradiction"):
        copy["label"] = sample.other[row["label"]]
        row["dirt"] = "contradicted"
    return copy | {f"of {name}": row[name] for name in sample.texts}


def blank(number: int, rows: list[Line], sample: Sample, *, chance: random.Random) -> Line:
    """A row in which a text is missing."""
    nothing = ["", " ", "   ", "\u00a0", "\u200b", "\t", "\n", ""][number % 8]
    label, row = chance.choice(list(sample.other)), chance.choice(rows)
    return {name: row[name] for name in sample.columns} | {
        sample.texts[number % len(sample.texts)]: nothing, "label": label, "dirt": "blank", "original": ""}


def key_of(lines: list[Line], sample: Sample, folder: Path) -> list[Line]:
    """What the key says of the training rows, once they are written."""
    written = read(folder, "train")
    place_of = {sample.content(line): line["row"] for line in reversed(written)}
    key = []
    for line, placed in zip(lines, written, strict=True):
        if dirt := line.get("dirt"):
            of = tuple(line.get(f"of {name}", "") for name in sample.texts)
            judged = dirt != "near duplicate" or sum(len(broken(line[name])[0]) for name in sample.texts) >= MIN_WORDS
            key.append({"row": placed["row"], "dirt": dirt, "rule": RULE.get(dirt, "") if judged else "",
                        "original": place_of[of] if any(of) else line.get("original", "")})
    return key


def write(file: Path, columns: tuple[str, ...], lines: list[Line]) -> None:
    """A CSV file with these columns, whatever else the lines hold."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def main(name: str, folder: Path) -> None:
    """Write the four files of a sample."""
    sample = SAMPLES[name]
    rows = clean_rows(sample, folder)
    chance = random.Random(sample.seed)
    chance.shuffle(rows)
    splits: dict[str, list[Line]] = {}
    for split, count in sample.held_out.items():
        splits[split], rows = rows[:count], rows[count:]
    splits["train"] = plant(rows, sample, chance)
    for split, lines in splits.items():
        write(folder / f"{split}.csv", sample.columns, lines)
    write(folder / "key.csv", ("row", "dirt", "rule", "original"), key_of(splits["train"], sample, folder))


if __name__ == "__main__":
    main(sys.argv[1], FOLDER / sys.argv[1])
