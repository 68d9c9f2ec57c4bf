"""Reads and cleans hostile files one after the other in a process of its own: `python -m tests.faults.hostile.probe`.

Arguments: the family, a folder to work in. One line of JSON per case says what came of it, what it cost, and whatever
was written, connected to, started or unpickled on the way.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import stat
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from finetune.clean import engine
from finetune.data import sources
from finetune.errors import FinetuneError
from finetune.spec import Data, Files, Hub
from tests.faults.hostile.case import PICTURES, TEXTS, Case, picture

PATIENCE = 20  # seconds until a case counts as hung
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FORBIDDEN = ("os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.system",
             "os.exec", "shutil.", "tempfile.", "socket.connect", "subprocess.", "pickle.find_class")
TOUCHED: list[str] = []
WATCHING = False


class Hung(BaseException):
    """No `except Exception` of a reader may swallow it."""


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578) that keeps what a reader has no business with."""
    if not WATCHING:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITES:
            TOUCHED.append(f"open {path!r}")
    elif event.startswith(FORBIDDEN):
        TOUCHED.append(f"{event} {arguments!r}"[:200])


def status(field: str) -> float:
    """A figure of this process in MiB: VmRSS, VmHWM, VmSize."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def snapshot(folder: Path) -> dict[str, Any]:
    """What a folder holds, links not followed; contents of what is small enough to be changed on purpose."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        small = stat.S_ISREG(state.st_mode) and state.st_size < 2**20 and os.access(path, os.R_OK)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
        found[os.fsencode(path).hex()] = (state.st_mode, state.st_size, state.st_mtime_ns, content)
    return found


def read(case: Case, place: Path) -> tuple[Any, Any]:
    """The rows as they are read, and as they are cleaned by the default rules."""
    data = Data(hub=Hub(name="me/x"), sample="reviews", files=Files(train=str(place)))
    roles = {case.kind: case.kind, "label": "label"}
    raw = sources.read(data, "files", roles).splits["train"]
    return raw, engine.clean({"train": raw}, roles, {})


def rows(case: Case, table: Any) -> list[list[str]]:
    """Content and label of every row: the text, or the hash of the picture's bytes."""
    content = "text" if case.kind == "text" else "hash"
    return [[row[content], row["label"]] for row in table.select([content, "label"]).to_pylist()]


def good(case: Case) -> list[list[str]]:
    """The rows around the hostile file; an archive is read alone."""
    if case.kind == "text":
        return [list(row) for row in TEXTS]
    digests = [hashlib.sha256(picture(seed)).hexdigest() for seed in (1, 2)]
    return [[digest, name.partition("/")[0]] for digest, name in zip(digests, PICTURES, strict=True)]


def judged(case: Case, place: Path) -> dict[str, Any]:
    """What came of reading a place."""
    try:
        raw, cleaned = read(case, place)
    except FinetuneError as error:
        return {"outcome": "refused", "message": str(error)}
    except Hung:
        return {"outcome": "hung"}
    except Exception as error:  # what the corpus is here to find
        return {"outcome": "crashed", "message": f"{type(error).__name__}: {error}"}
    kept = rows(case, cleaned.splits["train"])
    ledger = [[line.row, line.rule, line.action, line.reason] for line in cleaned.ledger]
    return {"outcome": "read", "rows": rows(case, raw), "ledger": ledger, "around": case.place.endswith(".zip") or all(row in kept for row in good(case))}


def around_is_sound(case: Case, folder: Path) -> bool:
    """Whether the rows around the hostile file are read as ever once it is gone."""
    file = folder / case.file
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)
    place = folder / ("rows" if case.kind == "text" else "pets")
    raw, _ = read(case, place)
    return rows(case, raw) == good(case)


def tried(case: Case, folder: Path) -> dict[str, Any]:
    """One case with its costs: seconds of a processor, MiB of memory above the start."""
    global WATCHING
    place = case.make(folder)
    before, resident = snapshot(folder), status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    TOUCHED.clear()
    started, WATCHING = time.process_time(), True
    signal.alarm(PATIENCE)
    found = judged(case, place)
    signal.alarm(0)
    seconds, WATCHING = time.process_time() - started, False
    found |= {"name": case.name, "seconds": round(seconds, 2), "mib": round(max(0.0, status("VmHWM") - resident))}
    touched = [*TOUCHED, *(["the files given"] if snapshot(folder) != before else [])]
    return found | {"touched": touched, "sound": around_is_sound(case, folder)}


def main(family: str, work: Path) -> None:
    """Every case of a family, after a first one that pays for imports."""
    def hang(*_: object) -> None:
        raise Hung

    signal.signal(signal.SIGALRM, hang)
    sys.addaudithook(watch)
    warnings.simplefilter("ignore")
    cases: list[Case] = importlib.import_module(f"tests.faults.hostile.{family}").cases()
    for warm in (cases[0], cases[-1]):
        tried(warm, work / "warm")
        shutil.rmtree(work / "warm")
    protected = (int(status("VmSize")) + 4096) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (protected, protected))
    for number, case in enumerate(cases):
        found = tried(case, work / str(number))
        shutil.rmtree(work / str(number), ignore_errors=True)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
