"""Links, pipes, devices and names: what a folder can hold beside plain files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from tests.faults.hostile.case import Case, Dropped, Expected, Read, Refused, Unseen, photo, picture, refused, table

ROWS = b"text,label\na grey day on the moor,bad\n"
TEXT = ("a grey day on the moor",)
Write = Callable[[Path], object]


def cases() -> list[Case]:
    """All of them."""
    return [*beside_pictures(), *beside_tables(), *named_pictures(), *named_tables(), *named_alone()]


def link(to: str) -> Write:
    """A symbolic link."""
    return lambda file: file.symlink_to(to)


def outside(name: str, content: bytes) -> Write:
    """A link to a file beside the folder that the user named."""
    def write(file: Path) -> None:
        named = next(folder for folder in file.parents if folder.name in ("pets", "rows"))
        target = named.parent / name
        target.write_bytes(content)
        file.symlink_to(target)
    return write


def listening(file: Path) -> None:
    """A socket; its path must be short, so it is made from where it lies."""
    here = Path.cwd()
    os.chdir(file.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.chdir(here)


def locked(content: bytes) -> Write:
    """A file that may not be read, except by root."""
    def write(file: Path) -> None:
        file.write_bytes(content)
        file.chmod(0)
    return write


def beside_pictures() -> list[Case]:
    """In the folder of a class."""
    is_root = os.geteuid() == 0
    kinds: dict[str, tuple[Write, Expected]] = {
        "a link to the picture beside it": (link("1.png"), Read()), "a link to a picture elsewhere": (outside("else.png", picture(21)), Read()),
        "a link to nothing": (link("nothing.png"), Dropped("No such file")), "a link to itself": (link("hostile.png"), Dropped("symbolic links")),
        "a link to a secret": (outside("id_rsa", b"-----BEGIN KEY-----"), Dropped("not an image")), "a link to /dev/zero": (link("/dev/zero"), Dropped("not a regular file")),
        "a link to /dev/random": (link("/dev/random"), Dropped("not a regular file")), "a link to /proc/self/mem": (link("/proc/self/mem"), Dropped("")),
        "a link to a folder": (link("../dog"), refused("laid out as")), "a link to the folder above": (link(".."), refused("laid out as")),
        "a folder": (lambda file: file.mkdir(), Unseen()), "a pipe": (os.mkfifo, Dropped("not a regular file")),
        "a socket": (listening, Dropped("not a regular file")), "a file that may not be read": (locked(picture(22)), Read() if is_root else Dropped("Permission denied")),
        "a second name of a picture": (lambda file: os.link(file.with_name("1.png"), file), Read()),
        "200 MiB of nothing": (lambda file: truncated(file, 200 * 2**20), Dropped("not an image")), "1 GiB of nothing": (lambda file: truncated(file, 2**30), Dropped("too large")), "8 GiB of nothing": (lambda file: truncated(file, 2**33), Dropped("too large")),
    }
    if is_root:
        kinds["a device"] = (lambda file: os.mknod(file, 0o20666, os.makedev(1, 5)), Dropped("not a regular file"))
    return [Case(f"picture that is {name}", "image", "pets", "pets/cat/hostile.png", write, expected) for name, (write, expected) in kinds.items()]


def truncated(file: Path, size: int) -> None:
    """A file of zeros that takes no room on the disk."""
    with file.open("wb") as opened:
        opened.truncate(size)


def beside_tables() -> list[Case]:
    """In a folder of tables."""
    kinds: dict[str, tuple[Write, Expected]] = {
        "a link to the table beside it": (link("good.csv"), Read(("a fine day at the sea", "a dull day in the rain"))), "a link to a table elsewhere": (outside("else.csv", ROWS), Read(TEXT)),
        "a link to nothing": (link("nothing.csv"), refused("cannot be read (No such file")), "a link to itself": (link("hostile.csv"), refused("cannot be read (Too many levels of symbolic links")),
        "a link to /dev/zero": (link("/dev/zero"), refused("not a regular file")), "a pipe": (os.mkfifo, refused("not a regular file")),
        "a socket": (listening, refused("not a regular file")), "a file that may not be read": (locked(ROWS), Read(TEXT) if os.geteuid() == 0 else refused("Permission denied")),
    }
    found = [table(f"table that is {name}", "csv", write, expected) for name, (write, expected) in kinds.items()]
    columnar: dict[str, tuple[Write, Refused]] = {
        "a link to nothing": (link("nothing"), refused("No such file")), "a pipe": (os.mkfifo, refused("not a regular file")),
        "a link to /dev/zero": (link("/dev/zero"), refused("not a regular file")), "1 GiB of nothing": (lambda file: truncated(file, 2**30), refused("is not a readable")),
    }
    return found + [table(f"{suffix} that is {name}", suffix, write, expected) for name, (write, expected) in columnar.items()
                    for suffix in ("parquet", "arrow")]


def named_alone() -> list[Case]:
    """What the user names is no file itself."""
    kinds: dict[str, tuple[Write, str]] = {"a pipe": (os.mkfifo, "is not a regular file"), "a link to nothing": (link("nothing.csv"), "leads nowhere"),
                                           "a link to itself": (link("hostile.csv"), "leads nowhere"), "a folder": (lambda file: file.mkdir(), "holds no files"),
                                           "a link to /dev/zero": (link("/dev/zero"), "is not a regular file"), "a socket": (listening, "is not a regular file")}
    return [Case(f"place that is {name}", "text", "rows/hostile.csv", "rows/hostile.csv", write, refused("hostile.csv", part)) for name, (write, part) in kinds.items()]


NAMES = {
    "a line break": "a\nb", "an emoji": "\U0001f600", "a dash before": "-rf", "two dots": "..a", "three dots": "...", "a backslash": "a\\b",
    "a blank at its end": "a ", "a bell": "a\x07", "codes of a terminal": "\x1b[31mred", "quotes": "a\"b'c", "a glob": "*[a]?", "a percent sign": "%s%n",
    "a dollar": "$(rm -rf ~)", "a tilde": "~", "what turns it around": "a\u202egnp", "a letter in pieces": "e\u0301", "::": "b.zip::c",
    "a colon": "a:1", "250 letters": "a" * 250, "a semicolon": "a;b", "a mark of order": "\ufeffa",
}


def named_pictures() -> list[Case]:
    """Pictures of any name are read; a name that is no UTF-8 cannot be written into a ledger."""
    found = [photo(f"picture with a name of {what}", picture(30), Unseen() if name.startswith(".") else expected_of(name, Read()), f"{name}.png") for what, name in NAMES.items()]
    torn = os.fsdecode(b"a\xff\xfe.png")
    return [*found, Case("picture with a name that is no UTF-8", "image", "pets", f"pets/cat/{torn}", picture(30), refused("names of 1 of 3 files are not UTF-8"))]


def expected_of(name: str, usual: Read) -> Read | Refused:
    """What comes of a file of this name."""
    return refused("read like members of an archive") if "::" in name else usual


def named_tables() -> list[Case]:
    """Tables of any name."""
    return [Case(f"table with a name of {what}", "text", "rows", f"rows/{name}.csv", ROWS, Unseen() if name.startswith(".") else expected_of(name, Read(TEXT))) for what, name in NAMES.items()]
