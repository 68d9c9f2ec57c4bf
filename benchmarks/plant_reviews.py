"""Plant the known dirt of the reviews sample anew: `python benchmarks/plant_reviews.py`.

The clean rows are read back from the shipped files and their key, so running it twice changes nothing. Dirt goes
into the training rows only. `key.csv` lists every planted row: its `row`, the `dirt`, the `rule` that must find it
(empty where only later rules can), and `original`, the text or label that it had or the row that it copies.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "finetune" / "data" / "samples" / "reviews"
COLUMNS = ("text", "label", "subject")
SEED = 20
HELD_OUT = {"validation": 200, "test": 240}
COUNTS = {"exact duplicate": 18, "normalised duplicate": 12, "near duplicate": 12, "blank": 8, "broken encoding": 14,
          "white space": 10, "html": 10, "contradiction": 10, "flipped label": 18}
RULE = {"exact duplicate": "duplicates", "normalised duplicate": "duplicates", "blank": "blanks",
        "broken encoding": "encoding", "html": "markup", "white space": "whitespace", "contradiction": "contradictions",
        "near duplicate": "near_duplicates"}
MIN_WORDS = 8  # a shorter near copy is found by nobody
OTHER = {"positive": "negative", "negative": "positive"}
Line = dict[str, str]


def mojibake(text: str, _: random.Random) -> str:
    """UTF-8 read as Windows-1252, after typographic apostrophes have been put in."""
    return text.replace("'", "\u2019").encode("utf-8").decode("cp1252")


def loosened(text: str, chance: random.Random) -> str:
    """White space that nobody meant: doubled, no-break, a tab, at the ends."""
    words = text.split(" ")
    at = chance.randrange(1, len(words))
    gap = chance.choice(["  ", "\t", "\u00a0", " \u200b", "   "])
    start, end = chance.choice(["", " ", "\n"]), chance.choice(["", "  "])
    return start + " ".join(words[:at]) + gap + " ".join(words[at:]) + end


def marked_up(text: str, chance: random.Random) -> str:
    """What is left of a web page."""
    words = text.split(" ")
    at = chance.randrange(1, len(words))
    left, right = " ".join(words[:at]), " ".join(words[at:])
    return chance.choice([f"{left}<br /><br />{right}", f"<p>{text}</p>", f"{left} &amp; {right}",
                          f"{left} <b>{right}</b>", f"{left}&nbsp;{right}"])


def recased(text: str, chance: random.Random) -> str:
    """The same words in another dress."""
    return chance.choice([text.upper(), text.lower().rstrip(".!"), text.replace(",", " ,") + " !!", f'"{text}"'])


def reworded(text: str, chance: random.Random) -> str:
    """One or two words gone, as in a corrected second posting."""
    words = text.split(" ")
    for _ in range(1 if len(words) < 20 else 2):
        del words[chance.randrange(1, len(words) - 1)]
    return " ".join(words)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "broken encoding": mojibake, "white space": loosened, "html": marked_up,
    "normalised duplicate": recased, "near duplicate": reworded,
}


def read(name: str) -> list[Line]:
    """One file of the sample, with its row ids."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        found, line = [], 2
        for row in reader:
            found.append(dict(row) | {"row": f"{name}.csv:{line}"})
            line = reader.line_num + 1
        return found


def clean_rows() -> list[Line]:
    """The hand-written rows, freed of everything the key names."""
    with (FOLDER / "key.csv").open(encoding="utf-8", newline="") as opened:
        key = {line["row"]: line for line in csv.DictReader(opened)}
    rows = []
    for line in [*read("train"), *read("validation"), *read("test")]:
        planted = key.get(line["row"], {"dirt": ""})
        match planted["dirt"]:
            case "exact duplicate" | "normalised duplicate" | "near duplicate" | "blank" | "contradiction":
                continue
            case "flipped label":
                line["label"] = planted["original"]
            case "broken encoding" | "white space" | "html":
                line["text"] = planted["original"]
        rows.append({name: line[name] for name in COLUMNS})
    return sorted(rows, key=lambda row: row["text"])


def plant(rows: list[Line], chance: random.Random) -> list[Line]:
    """Training rows with dirt; a planted row carries `dirt` and `original`."""
    rows = [dict(row) for row in rows]
    free = list(range(len(rows)))
    chance.shuffle(free)

    def take(dirt: str) -> list[Line]:
        fits = [i for i in free if len(rows[i]["text"].split()) >= 8
                and (dirt != "broken encoding" or "'" in rows[i]["text"] or not rows[i]["text"].isascii())]
        chosen = fits[: COUNTS[dirt]]
        free[:] = [i for i in free if i not in set(chosen)]
        return [rows[i] for i in chosen]

    for dirt in ("broken encoding", "white space", "html"):
        for row in take(dirt):
            row |= {"dirt": dirt, "original": row["text"], "text": CHANGES[dirt](row["text"], chance)}
    for row in take("flipped label"):
        row |= {"dirt": "flipped label", "original": row["label"], "label": OTHER[row["label"]]}
    added: list[tuple[Line, Line]] = []
    for dirt in ("exact duplicate", "normalised duplicate", "near duplicate", "contradiction"):
        for row in take(dirt):
            copy = row | {"dirt": dirt, "text": CHANGES[dirt](row["text"], chance) if dirt in CHANGES else row["text"]}
            if dirt == "contradiction":
                copy["label"] = OTHER[row["label"]]
                row["dirt"] = "contradicted"
            added.append((copy, row))
    for copy, row in added:  # a copy stands behind its original, which is the row that stays
        at = next(i for i, other in enumerate(rows) if other is row)
        rows.insert(chance.randrange(at + 1, len(rows) + 1), copy)
        copy["of"] = row["text"]
    for i in range(COUNTS["blank"]):
        rows.insert(chance.randrange(len(rows)), {
            "text": ["", " ", "   ", "\u00a0", "\u200b", "\t", "\n", ""][i % 8], "label": chance.choice(list(OTHER)),
            "subject": chance.choice(rows)["subject"], "dirt": "blank", "original": ""})
    return rows


def main() -> None:
    """Write the four files."""
    rows = clean_rows()
    chance = random.Random(SEED)
    chance.shuffle(rows)
    splits: dict[str, list[Line]] = {}
    for name, count in HELD_OUT.items():
        splits[name], rows = rows[:count], rows[count:]
    splits["train"] = plant(rows, chance)
    for name, lines in splits.items():
        with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
    by_text = {line["text"]: line["row"] for line in reversed(read("train"))}
    with (FOLDER / "key.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, ("row", "dirt", "rule", "original"), lineterminator="\n")
        writer.writeheader()
        for line, placed in zip(splits["train"], read("train"), strict=True):
            if "dirt" in line:
                dirt = line["dirt"]
                rule = "contradictions" if dirt == "contradicted" else RULE.get(dirt, "")
                judged = dirt != "near duplicate" or len(line["text"].split()) >= MIN_WORDS
                original = by_text[line["of"]] if "of" in line else line.get("original", "")
                writer.writerow({"row": placed["row"], "dirt": dirt, "original": original,
                                 "rule": rule if judged else ""})


if __name__ == "__main__":
    main()
