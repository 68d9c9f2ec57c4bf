"""Write the requests sample anew, with its known dirt: `python benchmarks/plant_requests.py`.

Messages to the front desk of an office building and the line under which each is filed: what is wrong where, and by
when. Both are put together from phrases that were written for this project, by a fixed seed, so running it twice
changes nothing. Every message also speaks of things that are not wrong. Dirt goes into the training rows only;
`key.csv` lists every planted row with the `rule` that must find it.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "finetune" / "data" / "samples" / "requests"
COLUMNS = ("text", "summary")
SEED = 5
ROWS = {"train": 1200, "validation": 150, "test": 200}
COUNTS = {"blank text": 4, "blank summary": 4, "exact duplicate": 6, "broken encoding": 6, "html": 5, "white space": 5}
RULE = {"blank text": "blanks", "blank summary": "blanks", "exact duplicate": "duplicates",
        "broken encoding": "encoding", "html": "markup", "white space": "whitespace"}

PLACES = ("copy room", "canteen", "post room", "library", "lobby", "boardroom", "training room", "north office",
          "south office", "basement", "roof terrace", "sick bay")
# Thing -> short form of the fault -> how people say it; {x} is the thing with its place.
FAULTS: dict[str, dict[str, tuple[str, ...]]] = {
    "printer": {
        "jammed": ("{x} has swallowed a whole stack of paper and will not give it back.",
                   "paper goes into {x} and nothing comes out at the other end."),
        "out of toner": ("every page that leaves {x} is as pale as a ghost.",
                         "{x} asks for a new cartridge and we have none left."),
        "offline": ("none of our computers can find {x} any more.", "{x} has vanished from the network."),
    },
    "radiator": {
        "cold": ("{x} does not get warm, however far we turn it.",
                 "we sit in coats because {x} stays as cold as a stone."),
        "leaking": ("there is a puddle under {x} and it is growing.", "water drips from the valve of {x}."),
        "rattling": ("{x} knocks like a ghost all morning.", "nobody can think, since {x} rattles without a pause."),
    },
    "door": {
        "stuck": ("{x} opens a hand's breadth and then not a bit further.", "you need two strong people to move {x}."),
        "not locking": ("{x} springs open again as soon as you turn the key.", "we cannot lock {x} in the evening."),
        "squeaking": ("{x} squeals so loudly that everybody turns round.", "the hinges of {x} want oil, and badly."),
    },
    "lamp": {
        "flickering": ("{x} goes on and off like a lighthouse.",
                       "{x} flickers, and two of us have a headache from it."),
        "dark": ("{x} has gone out and the spare bulb does not fit.", "it is pitch dark because {x} gave up."),
        "loose": ("{x} hangs by one screw over our heads.", "{x} swings whenever somebody walks by upstairs."),
    },
    "coffee machine": {
        "leaking": ("{x} leaves a brown lake on the counter.", "half of what {x} brews ends up on the floor."),
        "blocked": ("{x} hums and hums and not a drop comes out.", "something is stuck in the spout of {x}."),
        "not heating": ("{x} serves everything lukewarm.", "the coffee from {x} is as cold as the milk."),
    },
    "lift": {
        "stuck": ("{x} stands between two floors, empty, thank heaven.", "{x} has not moved since this morning."),
        "slow": ("it takes {x} four minutes to come.", "the stairs are faster than {x} these days."),
        "noisy": ("{x} grinds in a way that frightens visitors.", "there is a scraping sound whenever {x} goes up."),
    },
    "projector": {
        "dark": ("{x} starts, but the wall stays black.",
                 "we see a faint shadow of our slides and no more, that is {x}."),
        "overheating": ("{x} switches itself off after ten minutes, hot as an oven.",
                        "you could fry an egg on {x}."),
        "offline": ("no laptop is able to talk to {x}.", "{x} says that there is no signal, with every cable we own."),
    },
    "window": {
        "stuck": ("{x} has been painted shut, it seems.", "no one manages to open {x}, and it is stifling."),
        "cracked": ("there is a crack from corner to corner of {x}.",
                    "a ball or a bird has hit {x} and the pane is split."),
        "draughty": ("an icy wind comes through {x} even when it is shut.", "papers fly off the desks beside {x}."),
    },
    "tap": {
        "dripping": ("{x} drips day and night.", "however hard you turn it, {x} never quite stops."),
        "loose": ("the handle of {x} came off in my hand.", "{x} wobbles as if it would fall into the sink."),
        "blocked": ("{x} gives a thin thread of water and no more.", "hardly anything comes out of {x}."),
    },
}
DEADLINES: dict[str, tuple[str, ...]] = {
    "today": ("Please send someone today.", "It has to be mended today, I am afraid."),
    "tomorrow": ("Tomorrow would be early enough.", "Could somebody come tomorrow?"),
    "Monday": ("We need it again on Monday.", "Monday is the last day on which we can do without."),
    "Wednesday": ("By Wednesday it should work.", "A visit is due on Wednesday, so it has to be done by then."),
    "Friday": ("Anything before Friday suits us.", "Please see to it by Friday."),
    "noon": ("There are guests at noon and it must be right by then.", "Would noon be possible?"),
    "next week": ("There is no rush, next week is fine.", "Next week will do."),
    "month end": ("It can wait until the end of the month.", "Before the month is over would be kind."),
}
OPENINGS = ("Good morning, this is {name} speaking for the whole team.",
            "Hello, {name} here, and sorry to trouble you again.",
            "Dear front desk, I hope that you had a quiet weekend.", "Hi, it is {name} from upstairs.",
            "Hello there, me again.", "Good afternoon, my name is {name} and I started here last month.",
            "Hi all, thank you for the flowers in the hall.", "Morning! A small thing, or perhaps not so small.",
            "To whom it may concern: I was told to write to this address.", "Hello, {name} from accounts.",
            "Dear colleagues, I tried to ring but the line was busy.",
            "Hi, I could not find the form, so I write a mail.")
NAMES = ("Amira", "Jonas", "Wei", "Marta", "Tunde", "Ingrid", "Pavel", "Rosa", "Kofi", "Lena", "Ravi", "Chloe", "Omar",
         "Sanna", "Diego", "Yuki", "Nadia", "Emil")
ASIDES = ("The {other} is fine, by the way.", "Nothing is the matter with the {other}, in case somebody says so.",
          "Thank you for mending the {other} so quickly.", "The {other} that I wrote about last time works again.",
          "We have already looked for the manual.", "I asked around and nobody has touched anything.",
          "It was all right when we left yesterday.", "I know that you have a lot to do.",
          "My colleagues have started to make jokes about it.", "I took a picture, if that is of any use.",
          "The caretaker has seen it and shrugged.", "We put a note on it so that nobody gets hurt.")
CLOSINGS = ("Thanks a lot.", "Best wishes, {name}", "Many thanks for your help!", "You find me at desk {desk}.",
            "Ring me on extension {desk} if there are questions.", "Have a good day.", "Kind regards", "Cheers, {name}",
            "I am in until five.", "Thank you, as always.")
LEADS = ("I write because {fault}", "It is about this: {fault}", "Since {since} {fault}", "As of {since} {fault}",
         "You will not believe it, but {fault}", "Here is the trouble: {fault}")
SINCES = ("this morning", "last night", "the fire drill", "the power cut", "lunch", "the painters left")
Line = dict[str, str]


def written(chance: random.Random) -> Line:
    """One message and its line."""
    thing, place, due = chance.choice(list(FAULTS)), chance.choice(PLACES), chance.choice(list(DEADLINES))
    short = chance.choice(list(FAULTS[thing]))
    named = chance.choice((f"the {thing} in the {place}", f"the {place} {thing}",
                           f"our {thing} (the one in the {place})"))
    fault = chance.choice(FAULTS[thing][short]).format(x=named)
    other = f"{chance.choice([one for one in FAULTS if one != thing])} in the {chance.choice(PLACES)}"
    fill = {"name": chance.choice(NAMES), "other": other, "desk": chance.randrange(100, 500),
            "since": chance.choice(SINCES)}
    trouble = chance.choice(LEADS).format(fault=fault, **fill)
    middle = [trouble, *(aside.format(**fill) for aside in chance.sample(ASIDES, chance.randrange(0, 3)))]
    deadline = chance.choice(DEADLINES[due])
    middle.insert(chance.choice((0, len(middle))), deadline)
    opening, closing = chance.choice(OPENINGS).format(**fill), chance.choice(CLOSINGS).format(**fill)
    return {"text": " ".join([opening, *middle, closing]), "summary": f"{place} {thing} {short}, due {due}"}


def clean_rows() -> dict[str, list[Line]]:
    """Every split without dirt; no two messages are the same."""
    chance, seen = random.Random(SEED), set[str]()
    found: dict[str, list[Line]] = {split: [] for split in ROWS}
    for split, number in ROWS.items():
        while len(found[split]) < number:
            line = written(chance)
            if line["text"] not in seen:
                seen.add(line["text"])
                found[split].append(line)
    return found


def planted(rows: list[Line], chance: random.Random) -> list[Line]:
    """Put dirt into the training rows, in place; returns the lines of the key."""
    spoil: dict[str, Callable[[Line], Line]] = {
        "blank text": lambda line: {**line, "text": ""},
        "blank summary": lambda line: {**line, "summary": ""},
        "exact duplicate": lambda line: line,
        "broken encoding": lambda line: {**line, "text": _mojibake(line["text"])},
        "html": lambda line: {**line, "text": f"<p>{line['text'].replace('. ', '.<br />', 1)}</p>"},
        "white space": lambda line: {**line, "text": line["text"].replace(" ", "  ", 3) + " \t"},
    }
    places = chance.sample(range(1, len(rows)), sum(COUNTS.values()))
    key = []
    for dirt, number in COUNTS.items():
        for _ in range(number):
            at = places.pop()
            of = chance.choice([row for row in range(at) if row not in places]) if dirt == "exact duplicate" else at
            original = f"train.csv:{of + 2}" if dirt == "exact duplicate" else rows[at]["text"]
            rows[at] = spoil[dirt](rows[of])
            key.append({"row": f"train.csv:{at + 2}", "dirt": dirt, "rule": RULE[dirt], "original": original})
    return sorted(key, key=lambda line: int(line["row"].partition(":")[2]))


def _mojibake(text: str) -> str:
    """UTF-8 read as Windows-1252, after a typographic dash has been put in."""
    return text.replace(". ", " \u2013 ", 1).encode("utf-8").decode("cp1252")


def main() -> None:
    """Write all four files."""
    splits = clean_rows()
    key = planted(splits["train"], random.Random(SEED + 1))
    FOLDER.mkdir(exist_ok=True)
    for name, lines, columns in [*((split, lines, COLUMNS) for split, lines in splits.items()),
                                 ("key", key, ("row", "dirt", "rule", "original"))]:
        with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
        print(f"{name}.csv: {len(lines):,} rows")


if __name__ == "__main__":
    main()
