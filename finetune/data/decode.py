"""From bytes to text: in which encoding is a file written, is all of it, and what must the user know of that."""

from __future__ import annotations

import codecs
import re
import shlex
from mmap import mmap
from typing import TYPE_CHECKING

from finetune.data.written import Text
from finetune.errors import DataError, SpecError, some

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile

BREAK = re.compile("\r\n|\r|\n")

_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook", b"\x1f\x8b": "a gzip archive", b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file", b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"%PDF": "a PDF document",
    b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive", b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstandard archive", b"SQLite format 3": "an SQLite data base", b"\x7fELF": "a program",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"\x93NUMPY": "an array of numpy",
    **{bytes((0x80, protocol)): "a pickle, which may run code when it is opened" for protocol in range(2, 6)},
}
# In order of preference where the bytes fit several equally well, which is common for short files.
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1253", "cp1254",
              "cp1255", "cp1256", "koi8_r", "cp437")
_SAMPLE = 2**16  # bytes from which an encoding is guessed
MAX_CELL = 16 * 2**20  # characters
_WINDOW = 4 * MAX_CELL  # bytes: as many characters or more, in every encoding
_ENDS = (b"\n", b"\r", b'"', b",", b";", b"\t")  # a stretch without any of them is one cell, in whatever format
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # bytes to which Windows-1252 gives no character
_ALLOWED = "allowed are UTF-8, and UTF-16 with a byte order mark"


def read_text(file: TableFile, encoding: str = "auto") -> tuple[str, tuple[str, ...]]:
    """All of what `read` reads."""
    text, notes = read(file, encoding)
    return text.whole(), notes


def read(file: TableFile, encoding: str = "auto") -> tuple[Text, tuple[str, ...]]:
    """The text of a file without its byte order mark, and what the user must know of how it was read.

    `auto` takes UTF-8, UTF-16 with a byte order mark, and single lines that are not UTF-8 as Windows-1252 where they
    look like it; these are counted in the notes. UTF-8 stays on disk. Raises DataError for bytes that are no text.
    """
    raw = file.content()
    for start, kind in _BINARY.items():
        if raw[:len(start)] == start:
            raise DataError(file.key, f"{file.name} is {kind}, text is needed. Rename it to what it is, unpack it, or "
                                      "save its table as UTF-8 CSV.")
    _refuse_endless(raw, file)
    text = Text(raw, len(codecs.BOM_UTF8) if raw[:3] == codecs.BOM_UTF8 else 0)
    notes: tuple[str, ...] = ()
    if encoding != "auto" or not text.is_utf8:
        decoded, notes = _decoded(raw[:], file, encoding)
        text = Text(decoded.removeprefix("\ufeff").encode())
    if text.holds(b"\0"):
        raise DataError(file.key, _holds_nul(file, raw[:], text=text.whole()))
    return text, notes


def _decoded(raw: bytes, file: TableFile, encoding: str) -> tuple[str, tuple[str, ...]]:
    if encoding != "auto":
        return _named(raw, file, encoding), ()
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(file.key, f"{file.name}: it looks like UTF-32; {_ALLOWED}. Set data.encoding=utf-32, or "
                                  f"convert it: {_iconv(file, '-f UTF-32')}")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _utf16(raw, file), ()
    try:
        return raw.decode(), ()
    except UnicodeDecodeError as error:
        return _mixed(raw, file, start=error.start)


def _refuse_endless(raw: bytes | mmap, file: TableFile) -> None:
    """DataError for a cell so long that decoding and parsing it would take many times its room, and minutes."""
    for start in range(0, len(raw) - _WINDOW + 1, _WINDOW):
        if not any(raw.find(end, start, start + _WINDOW) >= 0 for end in _ENDS):
            line = max(raw[:start].count(b"\n"), raw[:start].count(b"\r")) + 1
            raise DataError(file.key, f"{file.name}:{line}: a cell is longer than the {MAX_CELL:,} characters allowed. "
                                      "Shorten the cell, or leave it out.")


def _named(raw: bytes, file: TableFile, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except LookupError:
        raise SpecError([f"data.encoding: there is no encoding {encoding!r}. Use auto, or a name such as "
                         f"{some(_ENCODINGS, 4)}."]) from None
    except UnicodeDecodeError as error:
        found = f"{_place(file, raw, encoding, start=error.start)} is not {encoding.upper()}"
        raise DataError(file.key, f"{found}, which data.encoding names. Correct the file, or use auto.") from None


def _utf16(raw: bytes, file: TableFile) -> str:
    try:
        return raw.decode("utf-16")
    except UnicodeDecodeError as error:
        found = f"{_place(file, raw, 'utf-16', start=error.start)} is not UTF-16; the file is damaged or cut off"
        raise DataError(file.key, f"{found}; {_ALLOWED}. Save it again as UTF-8.") from None


def _mixed(raw: bytes, file: TableFile, *, start: int) -> tuple[str, tuple[str, ...]]:
    """The text where every line is UTF-8 or Windows-1252, as in files that were put together from two sources."""
    lines = raw.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)  # of bytes: at \n, \r and \r\n alone
    others = {number: line for number, line in enumerate(lines, 1) if not _is_utf8(line)}
    latin = [line for line in others.values() if not _UNDEFINED.search(line)]  # a stray byte must not rule it out
    guess = _guess(b"".join(latin or others.values())[:_SAMPLE])
    torn = [number for number, line in others.items() if _is_torn(line, latin=guess == "cp1252")]
    if torn:
        remedy = f"Correct them, or drop the bytes: {_iconv(file, '-c -f UTF-8')}"
        raise DataError(file.key, f"{file.name}:{torn[0]}: the line has characters in UTF-8 and bytes that are not, so "
                                  f"it is damaged. Lines like it: {len(torn):,} ({some(torn)}). {remedy}")
    if guess != "cp1252":
        is_mixed = any(not line.isascii() for number, line in enumerate(lines, 1) if number not in others)
        raise DataError(file.key, _undecodable(file, raw, start=start, guess=guess) if not is_mixed else
                        f"{file.name}:{min(others)}: the line is not UTF-8, as others of the file are. Lines like it: "
                        f"{len(others):,} ({some(others)}). Save the file again in one encoding, best in UTF-8.")
    neither = [number for number, line in others.items() if _UNDEFINED.search(line)]
    if neither:
        raise DataError(file.key, f"{file.name}:{neither[0]}: the line is neither UTF-8 nor Windows-1252. Lines like "
                                  f"it: {len(neither):,} ({some(neither)}); {_ALLOWED}. Correct them, or name the "
                                  "encoding: data.encoding=NAME.")
    for number, line in others.items():
        lines[number - 1] = line.decode("cp1252").encode()
    first = min(others)
    note = (f"{file.name}: {len(others):,} of {len(lines):,} lines are not UTF-8 and were read as Windows-1252, such "
            f"as line {first}: {_around(others[first].decode('cp1252'))!r}; if that is wrong, set data.encoding=NAME")
    return b"".join(lines).decode(), (note,)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_torn(line: bytes, *, latin: bool) -> bool:
    """Whether a line is damaged UTF-8: it has characters in UTF-8, which would turn to nonsense in another encoding.

    In dense encodings two bytes may be a character of UTF-8 by accident, so there it takes more of these than others.
    """
    text = line.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    return sum(not character.isascii() for character in text) - lost > (0 if latin else lost)


def _around(text: str) -> str:
    """A few words about the first character that is not ASCII."""
    place = next(place for place, character in enumerate(text) if not character.isascii())
    return text[max(0, place - 15):place + 15].strip()


def _place(file: TableFile, raw: bytes, encoding: str, *, start: int) -> str:
    line = len(BREAK.findall(raw[:start].decode(encoding, "ignore"))) + 1
    return f"{file.name}:{line}: byte 0x{raw[start]:02x} at offset {start:,}"


def _undecodable(file: TableFile, raw: bytes, *, start: int, guess: str | None) -> str:
    """Where the first bad byte is, what the file looks like, and how it is read."""
    found = f"{_place(file, raw, 'utf-8', start=start)} is not UTF-8"
    if guess is None:
        return (f"{found}, and it looks like no other encoding; {_ALLOWED}. Name its encoding (data.encoding=NAME), or "
                "save it again as UTF-8.")
    begin = max(raw.rfind(b"\n", 0, start), raw.rfind(b"\r", 0, start)) + 1
    sample = BREAK.split(raw[begin:start + 40].decode(guess, "replace"))[0][-60:]
    name = guess.upper().replace("_", "-")
    return (f"{found}; it looks like {name} ({sample!r}); {_ALLOWED}. If that is right set data.encoding={guess}, or "
            f"convert it: {_iconv(file, f'-f {name}')}")


def _iconv(file: TableFile, options: str) -> str:
    source = file.locator
    if file.is_packed:
        return f"unpack it, then iconv {options} -t UTF-8 FILE > NEW-FILE"
    stem, dot, suffix = source.rpartition(".")
    result = f"{stem}.utf8.{suffix}" if dot else f"{source}.utf8"
    return f"iconv {options} -t UTF-8 {shlex.quote(source)} > {shlex.quote(result)}"


def _guess(raw: bytes) -> str | None:
    """The encoding that fits best: least disorder, then most like a language, then our order."""
    from charset_normalizer import from_bytes

    fits = {
        name: (round(match.chaos, 1), -round(match.coherence, 1), _ENCODINGS.index(name))
        for match in from_bytes(raw, cp_isolation=list(_ENCODINGS))
        for name in (match.encoding, *match.could_be_from_charset) if name in _ENCODINGS
    }
    return min(fits, key=lambda name: fits[name]) if fits else None


def _holds_nul(file: TableFile, raw: bytes, *, text: str) -> str:
    lines = [number for number, line in enumerate(BREAK.split(text), 1) if "\0" in line]
    like_it = f" {len(lines):,} lines like it ({some(lines)})." if len(lines) > 1 else ""
    found = f"{file.name}:{lines[0]}: NUL byte found, which no text holds.{like_it}"
    share = text.count("\0") / len(text)  # of English every second byte is none, or three of four
    if 0.25 < share < 0.9:
        width = 2 if share < 0.65 else 4
        end = "le" if raw.index(0) % width else "be"
        command = _iconv(file, f"-f UTF-{8 * width}{end.upper()}")
        return (f"{found} It looks like UTF-{8 * width} without a mark: set data.encoding=utf-{8 * width}-{end}, or "
                f"convert it: {command}")
    remedy = f"tr -d '\\000' < {shlex.quote(file.locator)} > NEW-FILE"
    return f"{found} Save the table again as text, or remove them: {remedy}"
