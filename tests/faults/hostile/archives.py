"""Zip and gzip archives that lead out, lie, or unpack to more than any memory holds."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
from pathlib import Path

from tests.faults.hostile.case import Case, Read, archive, picture, refused, table

ROWS = b"text,label\na grey day on the moor,bad\na day in march,good\n"
READ = ("a grey day on the moor", "a day in march")
Member = tuple[str | zipfile.ZipInfo, bytes]


def cases() -> list[Case]:
    """All of them."""
    return [*slips(), *links(), *bombs(), *lies(), *nested(), *names(), *gzips(), *of_pictures()]


def packed(*members: Member, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", how) as made:
        for name, content in members:
            made.writestr(name, content)
    return opened.getvalue()


def slips() -> list[Case]:
    """Members that lead out of the archive: refused whether or not anything would be unpacked."""
    names = ("../slip.csv", "../../../../tmp/slip.csv", "a/../../slip.csv", "/tmp/slip.csv", "//server/share/slip.csv",
             "C:/slip.csv", "C:\\slip.csv", "..\\slip.csv", "a\\..\\..\\slip.csv", "\\\\server\\slip.csv", "a/../b.csv")
    return [archive(f"member called {name}", packed((plain(name), ROWS), ("a.csv", ROWS)), refused(
        "1 of 2 members are refused", "path" if name[0] in "/\\C" else "leads out of the archive")) for name in names]


def plain(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """A member whose name is kept as it is."""
    member = zipfile.ZipInfo("x")
    member.filename, member.external_attr = name, mode << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def links() -> list[Case]:
    """Members that are no files."""
    kinds = {"link": stat.S_IFLNK, "pipe": stat.S_IFIFO, "socket": stat.S_IFSOCK, "character device": stat.S_IFCHR, "block device": stat.S_IFBLK}
    return [archive(f"member that is a {name}", packed((plain("b.csv", kind | 0o777), b"/etc/passwd"), ("a.csv", ROWS)),
                    refused("'b.csv' (a link or device)")) for name, kind in kinds.items()]


def zeros(file: Path, size: int, *, name: str = "a.csv") -> None:
    """A zip of a member of so many zeros, a thousandth of it large."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made, made.open(name, "w", force_zip64=True) as opened:
        for _ in range(size >> 20):
            opened.write(bytes(2**20))


def overlapping(count: int) -> bytes:
    """A zip whose directory names one member again and again (Fifield 2019 begins so)."""
    raw = packed(("0.csv", ROWS * 1000))
    place = raw.index(b"PK\1\2")
    entry, end = raw[place:raw.index(b"PK\5\6")], raw[raw.index(b"PK\5\6"):]
    entries = b"".join(entry.replace(b"0.csv", f"{number:05}.csv".encode()[-5:]) for number in range(count))
    return raw[:place] + entries + end[:8] + struct.pack("<HHII", count, count, len(entries), place) + b"\0\0"


def bombs() -> list[Case]:
    """What unpacks to far more than it is large."""
    layered = packed(*((f"{number}.zip", packed(*((f"{inner}.csv", bytes(2**20)) for inner in range(8)))) for number in range(8)))
    return [
        archive("zip of 900 MiB of zeros", lambda file: zeros(file, 900 * 2**20), refused("a.csv", "a bomb")),
        archive("zip of 2 GiB of zeros", lambda file: zeros(file, 2 * 2**30), refused("a.csv", "too large")),
        archive("zip of zips of zeros", layered, refused("0.zip is a zip archive")),
        archive("zip of one member named 5,000 times", overlapping(5000), refused("more than one has this name")),
        archive("zip of 20,000 empty members", packed(*((f"{number}.csv", b"") for number in range(20_000))), refused("is empty")),
        table("gzip of 900 MiB of zeros", "csv.gz", lambda file: gzipped(file, 900), refused("a bomb")),
        table("gzip of 2 GiB of zeros", "csv.gz", lambda file: gzipped(file, 2048), refused("a bomb")),
        table("gzip of 900 MiB of rows", "csv.gz", lambda file: gzipped(file, 900, b"a grey day on the moor,bad\n" * 38_836), refused("a bomb")),
        table("gzip of gzip of zeros", "csv.gz", gzip.compress(gzip.compress(bytes(2**26))), refused("is a gzip archive")),
        table("gzip of 100,000 empty parts", "csv.gz", gzip.compress(b"") * 100_000, refused("is empty")),
    ]


def gzipped(file: Path, mib: int, piece: bytes = bytes(2**20)) -> None:
    """A gzip of one piece again and again; its parts are packed once, which the format allows."""
    part = gzip.compress(piece * 16, 9)
    file.write_bytes(part * (mib // 16))


def patched(raw: bytes, mark: bytes, place: int, content: bytes) -> bytes:
    """Bytes of the (last) record of a zip replaced."""
    start = raw.rindex(mark) + place
    return raw[:start] + content + raw[start + len(content):]


def lies() -> list[Case]:
    """Archives whose directory does not tell the truth."""
    raw = packed(("a.csv", ROWS))
    central, end = b"PK\1\2", b"PK\5\6"
    wrong = patched(raw, b"PK\3\4", 30 + len("a.csv") + 4, b"\xff\xff\xff\xff")
    return [
        archive("zip that promises 4 GiB", patched(raw, central, 24, struct.pack("<I", 2**32 - 2)), refused("a.csv", "too large")),
        archive("zip that promises one byte", patched(raw, central, 24, struct.pack("<I", 1)), refused("a.csv", "cannot be read")),
        archive("zip with a wrong sum", patched(raw, central, 16, b"abcd"), refused("a.csv", "cannot be read")),
        archive("zip with damaged content", wrong, refused("a.csv", "cannot be read")),
        archive("zip with unknown packing", patched(raw, central, 10, struct.pack("<H", 77)), refused("a.csv", "cannot be read")),
        archive("zip that is encrypted", patched(raw, central, 8, struct.pack("<H", 1)), refused("'a.csv' (encrypted)")),
        archive("zip without its directory", raw[:raw.index(central)], refused("is not a readable zip")),
        archive("zip with half of its directory", raw[:raw.index(central) + 20], refused("is not a readable zip")),
        archive("zip with a directory elsewhere", patched(raw, end, 16, struct.pack("<I", 2**31)), refused("a.csv cannot be read")),
        archive("zip with more members than there are", patched(raw, end, 8, struct.pack("<HH", 999, 999)), Read(READ)),
        archive("zip whose member begins elsewhere", patched(raw, central, 42, struct.pack("<I", 7)), refused("a.csv", "cannot be read")),
        archive("zip of many discs", patched(raw, end, 4, struct.pack("<HH", 3, 3)), Read(READ)),
        archive("zip behind a program", b"#!/bin/sh\nexit 1\n" + raw, Read(READ)), archive("zip whose comment looks like a directory", zip_with_comment(), refused("is not a readable zip")),
        archive("zip that is a page", b"<!doctype html>", refused("is not a readable zip")), archive("zip of no bytes", b"", refused("is not a readable zip")),
        archive("zip of nothing", packed(), refused("holds no files of rows")), archive("zip that is a tar", bytes(257) + b"ustar\0" + bytes(249), refused("is not a readable zip")),
        archive("zip cut in half", packed(("a.csv", ROWS), ("b.csv", ROWS))[:150], refused("is not a readable zip")),
        archive("zip of bzip2", packed(("a.csv", ROWS), how=zipfile.ZIP_BZIP2), Read(READ)), archive("zip of LZMA", packed(("a.csv", ROWS), how=zipfile.ZIP_LZMA), Read(READ)),
    ]


def zip_with_comment() -> bytes:
    """A zip with 64 KiB of comment."""
    opened = io.BytesIO(packed(("a.csv", ROWS)))
    with zipfile.ZipFile(opened, "a") as made:
        made.comment = b"PK\5\6" * 16_000
    return opened.getvalue()


def nested() -> list[Case]:
    """Archives inside archives are not looked into."""
    inner = packed(("a.csv", ROWS))
    return [
        archive("zip in a zip", packed(("a.zip", inner)), refused("files that are no tables")), archive("zip called .csv in a zip", packed(("a.csv", inner)), refused("is a zip archive")),
        archive("gzip in a zip", packed(("a.csv.gz", gzip.compress(ROWS))), Read(READ)), archive("tar in a zip", packed(("a.tar", bytes(1024))), refused("files that are no tables: a.tar")),
        archive("zip in a zip beside rows", packed(("a.csv", ROWS), ("a.zip", inner)), refused("2 kinds")),
    ]


def names() -> list[Case]:
    """Names that a member may have, and names that two may not share."""
    kinds: dict[str, tuple[list[Member], object]] = {
        "doubled": ([("a.csv", ROWS), ("a.csv", b"text,label\nother,bad\n")], refused("more than one has this name")),
        "with a line break": ([("a\nb.csv", ROWS)], Read(READ)), "with an emoji": ([("\U0001f600.csv", ROWS)], Read(READ)),
        "of 60,000 letters": ([("a" * 60_000 + ".csv", ROWS)], Read(READ)), "with a dash before": ([("-rf.csv", ROWS)], Read(READ)),
        "in 1,000 folders": ([("a/" * 1000 + "a.csv", ROWS)], Read(READ)), "of a hidden file": ([(".a.csv", ROWS)], refused("holds no files of rows")),
        "of what Macs leave": ([("__MACOSX/._a.csv", b"junk"), ("a.csv", ROWS)], Read(READ)), "with :: in it": ([("b.zip::c.csv", ROWS)], Read(READ)),
        "of a folder alone": ([("a.csv/", b"")], refused("holds no files of rows")), "in other capitals": ([("A.CSV", ROWS)], Read(READ)),
    }
    return [archive(f"zip with a name {name}", packed(*members), expected) for name, (members, expected) in kinds.items()]


def gzips() -> list[Case]:
    """Gzip files that are torn."""
    raw = gzip.compress(ROWS)
    kinds: dict[str, tuple[bytes, object]] = {
        "cut off": (raw[:-9], refused("cannot be read")), "of a head alone": (raw[:10], refused("cannot be read")), "that is no gzip": (ROWS, refused("cannot be read")),
        "with a wrong sum": (raw[:-8] + b"abcd" + raw[-4:], refused("cannot be read")), "with damaged content": (raw[:12] + b"\xff" * 4 + raw[16:], refused("cannot be read")),
        "with more behind it": (raw + b"more", refused("cannot be read")), "of two parts": (raw + gzip.compress(b"a,bad\n"), Read((*READ, "a"))),
        "of nothing": (gzip.compress(b""), refused("is empty")), "of no bytes": (b"", refused("is empty")), "of zeros behind it": (raw + bytes(99), Read(READ)),
        "whose name leads out": (raw[:3] + b"\x08" + raw[4:10] + b"../../evil\0" + raw[10:], Read(READ)),
    }
    return [table(f"gzip {name}", "csv.gz", content, expected) for name, (content, expected) in kinds.items()]


def of_pictures() -> list[Case]:
    """Zips of class folders."""
    good: list[Member] = [("cat/1.png", picture(1)), ("dog/1.png", picture(2))]
    return [
        archive("pictures in a zip that slips", packed(*good, (plain("../cat/2.png"), picture(3))), refused("leads out"), "image"),
        archive("pictures in a zip with a link", packed(*good, (plain("cat/2.png", stat.S_IFLNK | 0o777), b"/etc/passwd")), refused("a link or device"), "image"),
        archive("pictures in a zip too deep", packed(*good, ("cat/a/b/c/1.png", picture(3))), refused("laid out as"), "image"),
        archive("pictures in a zip with rows", packed(*good, ("rows.csv", ROWS)), refused("holds a table, rows.csv, and other files"), "image"),
        archive("pictures in a zip that is a bomb", lambda file: zeros(file, 900 * 2**20, name="cat/1.png"), refused(), "image"),
    ]
