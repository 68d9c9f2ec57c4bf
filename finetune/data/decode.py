"""From a path to text: is the file there, is it a table, and in which encoding is it written."""

from __future__ import annotations

import codecs
import re
import shlex
from pathlib import Path

from finetune.errors import DataError, nearest, some

FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")

_BREAK = re.compile("\r\n|\r|\n")
_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook", b"\x1f\x8b": "a gzip archive", b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file", b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"%PDF": "a PDF document",
}
# In order of preference where the bytes fit several equally well, which is common for short files.
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1253", "cp1254",
              "cp1255", "cp1256", "koi8_r", "cp437")
_SAMPLE = 2**16  # bytes from which an encoding is guessed


def read_text(file: Path, key: str) -> str:
    """The text of a table file in UTF-8, or in UTF-16 with a byte order mark; the mark is taken off.

    Raises DataError naming `key` for a path that is no table file, and for bytes that are no text.
    """
    try:
        problem = _path_problem(file)
        raw = b"" if problem else file.read_bytes()
    except OSError as error:
        raise DataError(key, f"{file.absolute()} cannot be read ({error.strerror}). Make it readable.") from error
    if problem:
        raise DataError(key, problem)
    for start, kind in _BINARY.items():
        if raw.startswith(start):
            raise DataError(key, f"{file.name} is {kind}, text is needed. Unpack it, or save its table as UTF-8 CSV.")
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(key, _undecodable(file, raw, encoding=encoding, start=error.start)) from None
    if "\0" in text:
        raise DataError(key, _holds_nul(file, raw, text=text))
    return text


def absent(path: Path) -> str:
    """What to say of a path that does not exist: its absolute form, near matches, and what to do."""
    path = path.absolute()
    if not path.parent.is_dir():
        return f"{path} does not exist, nor does its folder. Correct the path."
    beside = [entry.name for entry in path.parent.iterdir()]
    return f"{path} does not exist.{nearest(path.name, beside)} Correct the path."


def _path_problem(file: Path) -> str | None:
    allowed = ", ".join(FORMATS)
    if not file.exists():
        return absent(file)
    if file.is_dir():
        inside = sorted(entry.name for entry in file.iterdir() if entry.suffix.lower() in FORMATS)
        tables = f" Tables in it: {some(inside)}." if inside else ""
        return f"{file.absolute()} is a folder, a table file ({allowed}) is needed.{tables} Name the file."
    if file.suffix.lower() not in FORMATS:
        found = f"ends in {file.suffix!r}" if file.suffix else "has no suffix"
        return f"{file.name} {found}, allowed are {allowed}. Save the table in one of these formats."
    if not file.is_file():
        return f"{file.absolute()} is no regular file. Write its rows to a file and name that."
    return None


def _undecodable(file: Path, raw: bytes, *, encoding: str, start: int) -> str:
    """Where the first bad byte is, what the file looks like, and the command that converts it."""
    line = len(_BREAK.findall(raw[:start].decode(encoding, "ignore"))) + 1
    found = f"{file.name}:{line}: byte 0x{raw[start]:02x} at offset {start:,} is not {encoding.upper()}"
    allowed = "allowed are UTF-8, and UTF-16 with a byte order mark"
    if encoding == "utf-16":
        return f"{found}; the file is damaged or cut off; {allowed}. Save it again as UTF-8."
    text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if len(re.findall("[^\x00-\x7f\ufffd]", text)) > damaged:
        remedy = f"Correct them, or drop them: {_iconv(file, '-c -f UTF-8')}"
        return f"{found}; the rest is UTF-8, so it is damaged (characters: {damaged:,}); {allowed}. {remedy}"
    guess = _guess(_whole_lines(raw, start))
    if guess is None:
        return f"{found}, and it looks like no other encoding; {allowed}. Save it again as UTF-8."
    begin = max(raw.rfind(b"\n", 0, start), raw.rfind(b"\r", 0, start)) + 1
    sample = _BREAK.split(raw[begin:start + 40].decode(guess, "replace"))[0][-60:]
    name = guess.upper().replace("_", "-")
    return f"{found}; it looks like {name} ({sample!r}); {allowed}. Convert it: {_iconv(file, f'-f {name}')}"


def _iconv(file: Path, options: str) -> str:
    source, result = (shlex.quote(str(path)) for path in (file, file.with_suffix(f".utf8{file.suffix}")))
    return f"iconv {options} -t UTF-8 {source} > {result}"


def _whole_lines(raw: bytes, around: int) -> bytes:
    """A sample that cuts no line: half a character at its ends would rule out the right encoding."""
    if len(raw) <= _SAMPLE:
        return raw
    sample = raw[max(0, around - _SAMPLE // 2):][:_SAMPLE]
    return sample[sample.find(b"\n") + 1:sample.rfind(b"\n") + 1] or sample


def _guess(raw: bytes) -> str | None:
    """The encoding that fits best: least disorder, then most like a language, then our order."""
    from charset_normalizer import from_bytes

    fits = {
        name: (round(match.chaos, 1), -round(match.coherence, 1), _ENCODINGS.index(name))
        for match in from_bytes(raw, cp_isolation=list(_ENCODINGS))
        for name in (match.encoding, *match.could_be_from_charset) if name in _ENCODINGS
    }
    return min(fits, key=lambda name: fits[name]) if fits else None


def _holds_nul(file: Path, raw: bytes, *, text: str) -> str:
    lines = [number for number, line in enumerate(_BREAK.split(text), 1) if "\0" in line]
    like_it = f" {len(lines):,} lines like it ({some(lines)})." if len(lines) > 1 else ""
    found = f"{file.name}:{lines[0]}: NUL byte found, which no text holds.{like_it}"
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return f"{found} It looks like UTF-32. Convert it: {_iconv(file, '-f UTF-32')}"
    if text.count("\0") > len(text) / 4:
        command = _iconv(file, "-f UTF-16LE" if raw.index(0) % 2 else "-f UTF-16BE")
        return f"{found} It looks like UTF-16 without a byte order mark. Convert it: {command}"
    return f"{found} Save the table again as text, or remove them: tr -d '\\000' < {shlex.quote(str(file))} > NEW-FILE"
