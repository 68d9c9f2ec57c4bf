"""Tables as text: ragged, torn, mis-encoded, over-long, and JSON that lies."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

from tests.faults.hostile.case import Case, Read, refused, table

HEAD = "text,label\n"
ROW = "a grey day on the moor,bad\n"
TEXT = "a grey day on the moor"


def cases() -> list[Case]:
    """All of them."""
    return [*shapes(), *headers(), *cells(), *quoting(), *encodings(), *disguised(), *documents(), *json_lines(), *endless()]


def csv(name: str, content: str | bytes, expected: object, suffix: str = "csv") -> Case:
    """A comma separated table."""
    return table(name, suffix, content.encode() if isinstance(content, str) else content, expected)


def shapes() -> list[Case]:
    """Records of another width, and lines that are none."""
    return [
        csv("row with a cell too many", f"{HEAD}{ROW}a,b,c\n", refused(":3: 3 cells found, 2 expected")),
        csv("row with a cell too few", f"{HEAD}{ROW}alone\n", refused(":3: 1 cell found, 2 expected")),
        csv("ragged in 1,000 rows", HEAD + ROW + "a,b,c\nalone\n" * 500, refused("1,000 rows like it", ":3")),
        csv("line of 100,000 commas", f"{HEAD}{ROW}{',' * 100_000}\n", refused(":3: 100,001 cells found")),
        csv("header of 100,000 cells", ",".join(f"c{n}" for n in range(100_000)) + "\n", refused("no column 'text'")),
        csv("nothing but commas", ",\n,\n,\n", refused("no column 'text'")), csv("nothing at all", "", refused("is empty")),
        csv("nothing but line ends", "\n" * 9999, refused("is empty")), csv("nothing but blanks", " " * 9999, refused("seems to have no header")),
        csv("nothing but a mark of UTF-8", codecs.BOM_UTF8, refused("is empty")),
        csv("a header alone", HEAD, refused("has a header but no rows")), csv("a header without line end", "text,label", refused("no rows")),
        csv("blank lines between", HEAD + "\n" * 50 + ROW, Read((TEXT,))), csv("no line end at the end", HEAD + ROW[:-1], Read((TEXT,))),
        csv("separated by semicolons", f"{HEAD}{ROW}".replace(",", ";"), Read((TEXT,))), csv("separated by tabs", f"{HEAD}{ROW}".replace(",", "\t"), Read((TEXT,))),
        csv("separated by bars", f"{HEAD}{ROW}".replace(",", "|"), refused("no column 'text'")),
        csv("line ends of old Macs", f"{HEAD}{ROW}".replace("\n", "\r"), Read((TEXT,))),
        csv("line ends of three kinds", f"text,label\r\n{ROW[:-1]}\r{ROW}", Read((TEXT, TEXT))),
        csv("line ends of Unicode inside a cell", HEAD + "a\u2028b\u2029c\x85d\x0be,bad\n", Read(("a\u2028b\u2029c\x85d\x0be",))),
    ]


def headers() -> list[Case]:
    """Headers that are missing, doubled or strange."""
    return [
        csv("no header", ROW * 3, refused("seems to have no header", "data.columns.text=0 data.columns.label=1")), csv("two columns of one name", f"text,text,label\na,{ROW}", refused("more than one column")),
        csv("header in capitals", f"TEXT,LABEL\n{ROW}", refused("no column 'text'", "Columns: TEXT, LABEL")),
        csv("header with blanks", f" text , label \n{ROW}", refused("no column 'text'")),
        csv("header of empty names", f",\n{ROW}", refused("no column 'text'")), csv("header of numbers", f"0,1\n{ROW}", refused("data.columns.text=0 data.columns.label=1")),
        csv("columns in another order", "label,text\nbad,a grey day on the moor\n", Read((TEXT,))),
        csv("1,000 more columns", "text,label" + "".join(f",c{n}" for n in range(1000)) + f"\n{ROW[:-1]}{',' * 1000}\n", Read((TEXT,))),
        csv("header with a zero-width blank", f"text\u200b,label\n{ROW}", refused("no column 'text'")),
        csv("header that is a command", f"=cmd|'/c calc'!A1,label\n{ROW}", refused("no column 'text'")),
    ]


def cells() -> list[Case]:
    """Cells that hold what no text should."""
    return [
        csv("NUL in a cell", f"{HEAD}{ROW}a\0b,bad\n", refused(":3: NUL byte found")), csv("NUL in the header", f"te\0xt,label\n{ROW}", refused(":1: NUL byte")),
        csv("NUL at the end", f"{HEAD}{ROW}\0", refused("NUL byte")), csv("10,000 NULs", HEAD + ROW + "\0" * 10_000, refused("NUL byte")),
        csv("cell of 17 million letters", f"{HEAD}{ROW}{'a' * 17_000_000},bad\n", refused(":3", "16,777,216 characters allowed")),
        csv("cell of a million letters", f"{HEAD}{'a' * 10**6},bad\n", Read(("a" * 10**6,))),
        csv("cell that is a formula", HEAD + "\"=HYPERLINK(\"\"http://x\"\")\",bad\n", Read(('=HYPERLINK("http://x")',))),
        csv("cell with codes of a terminal", f"{HEAD}\x1b[31mred\x1b[0m day on a moor,bad\n", Read(("\x1b[31mred\x1b[0m day on a moor",))),
        csv("cell of one letter with 9,999 accents", f"{HEAD}a{chr(0x301) * 9999},bad\n", Read((f"a{chr(0x301) * 9999}",))),
        csv("cell that turns the line around", f"{HEAD}a \u202egrey\u202c day,bad\n", Read(("a \u202egrey\u202c day",))),
        csv("cells without a label", f"{HEAD}{ROW}a day in march,\n", refused(":3: column 'label' is empty")),
        csv("cell of no text", f"{HEAD},bad\n", Read(("",))), csv("1,000 labels", HEAD + "".join(f"day {n},label {n}\n" for n in range(1000)), Read(tuple(f"day {n}" for n in range(1000)))),
        csv("label of a million letters", f"{HEAD}{TEXT},{'b' * 10**6}\n", Read((TEXT,))),
    ]


def quoting() -> list[Case]:
    """Quotes that are never closed, or closed too early."""
    return [
        csv("quote that is never closed", f'{HEAD}{ROW}"a grey day,bad\n{ROW}', refused(":3", "never closed")),
        csv("quote that is never closed, before 50,000 rows", f'{HEAD}"{ROW * 50_000}', refused(":2", "never closed")),
        csv("text behind a closing quote", f'{HEAD}"a grey" day,bad\n', refused(":2", "text follows a closing quote")),
        csv("quote in the middle", f'{HEAD}a 5" pipe,bad\n', Read(('a 5" pipe',))), csv("quote that swallows rows", f'{HEAD}"a,bad\nb,bad\nc",bad\n', refused(":2")),
        csv("cell of quotes", f'{HEAD}"""""",bad\n', Read(('""',))), csv("a quote alone", '"', refused("no column 'text'")), csv("100,000 quotes", f'{HEAD}{chr(34) * 100_001},bad\n', refused(":2")),
        csv("cell of many lines", f'{HEAD}"a\nb\n\nc",bad\n', Read(("a\nb\n\nc",))),
    ]


def encodings() -> list[Case]:
    """Marks and encodings of all kinds."""
    body, accents = HEAD + ROW, f"{HEAD}un jour gris à la forêt,bad\nune journée triste,bad\n"
    found = [csv(f"mark of {name}", mark + body.encode(name), Read((TEXT,))) for name, mark in (
        ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE))]
    found += [csv(f"mark of {name}", mark + body.encode(name), refused("it looks like UTF-32")) for name, mark in (
        ("utf-32-le", codecs.BOM_UTF32_LE), ("utf-32-be", codecs.BOM_UTF32_BE))]
    found += [csv(f"{name} without a mark", body.encode(name), refused("NUL byte", hint)) for name, hint in (
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32-le", "utf-32-le"), ("utf-32-be", "utf-32-be"))]
    # One that names no encoding is read as Windows-1252 where that gives letters, and the note says so.
    found += [csv("French in cp437", accents.encode("cp437"), Read(("un jour gris \u2026 la for\u02c6t", "une journ\u201ae triste"))),
              csv("French in utf-7", accents.encode("utf-7"), Read(("un jour gris +AOA la for+AOo-t", "une journ+AOk-e triste")))]
    found += [csv(f"French in {name}", accents.encode(name), refused()) for name in ("mac-roman", "cp500")]
    return [
        *found, csv("French in latin-1", accents.encode("latin-1"), Read(("un jour gris à la forêt", "une journée triste"))),
        csv("Japanese in Shift JIS", f"{HEAD}今日は良い天気ですね、散歩に行きましょう,good\n".encode("cp932"), refused("not UTF-8")),
        csv("Russian in KOI8-R", f"{HEAD}серый день на болоте и дождь идёт весь день,bad\n".encode("koi8-r"), refused("not UTF-8")),
        csv("Chinese in GB 18030", f"{HEAD}今天天气很好我们去散步吧,good\n".encode("gb18030"), refused("not UTF-8")),
        csv("UTF-8 torn inside a letter", accents.encode()[:-1].replace("ê".encode(), b"\xc3") + b"\n", refused(":2")),
        csv("UTF-8 of too many bytes", HEAD.encode() + b"a\xc0\xafb,bad\n", Read(("a\u00c0\u00afb",))), csv("half a pair in UTF-8", HEAD.encode() + b"a\xed\xa0\x80b,bad\n", Read(("a\u00ed\u00a0\u20acb",))),
        csv("UTF-8 beyond Unicode", HEAD.encode() + b"a\xf7\xbf\xbf\xbfb,bad\n", refused()), csv("bytes that are nothing", HEAD.encode() + bytes(range(128, 256)) + b",bad\n", refused()),
        csv("UTF-16 of an odd length", codecs.BOM_UTF16_LE + body.encode("utf-16-le") + b"a", refused("damaged or cut off")),
        csv("half a pair in UTF-16", codecs.BOM_UTF16_LE + body.encode("utf-16-le") + b"\0\xd8a\0", refused("damaged or cut off")),
        csv("mark of UTF-16 and no more", codecs.BOM_UTF16_LE, refused("is empty")), csv("two marks", codecs.BOM_UTF8 * 2 + body.encode(), refused("no column 'text'")),
        csv("mark in the middle", f"{HEAD}\ufeff{ROW}", Read((f"\ufeff{TEXT}",))),
        csv("two encodings in one file", f"{accents}une forêt,bad\n".encode() + "journée à pied,bad\n".encode("latin-1"), Read((
            "un jour gris à la forêt", "une journée triste", "une forêt", "journée à pied"))),
    ]


def disguised() -> list[Case]:
    """Other formats called .csv."""
    kinds = {"a workbook": b"PK\x03\x04" + bytes(60), "an old workbook": b"\xd0\xcf\x11\xe0" + bytes(60), "a Parquet file": b"PAR1" + bytes(60),
             "a PDF document": b"%PDF-1.7\n", "a gzip archive": b"\x1f\x8b\x08\0" + bytes(60), "an Arrow file": b"ARROW1\0\0" + bytes(60),
             "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a program": b"\x7fELF\2\1\1" + bytes(60), "a page": b"<!doctype html><title>404</title>",
             "a data base": b"SQLite format 3\0" + bytes(84), "rows of JSON": b'{"text": "a", "label": "b"}\n', "bzip2": b"BZh91AY&SY\x99\x88",
             "xz": b"\xfd7zXZ\0\0\4", "zstandard": b"\x28\xb5\x2f\xfd\x04\x00", "7z": b"7z\xbc\xaf\x27\x1c\0\4", "a mail box": b"From me Thu Jan 1\nSubject: x\n",
             "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"}
    return [csv(f"{name} called .csv", content, refused()) for name, content in kinds.items()]


def documents() -> list[Case]:
    """JSON as one document."""
    row = json.dumps({"text": TEXT, "label": "bad"})
    kinds: dict[str, tuple[str | bytes, object]] = {
        "JSON of 100,000 brackets": ("[" * 100_000, refused()), "JSON of 100,000 closed brackets": ("[" * 100_000 + "]" * 100_000, refused("nested too deeply")),
        "JSON of 100,000 objects inside each other": ('{"a":' * 100_000 + "1" + "}" * 100_000, refused("nested too deeply")),
        "JSON cell of 100,000 brackets": (f'[{{"text": {"[" * 100_000}{"]" * 100_000}, "label": "b"}}]', refused("nested too deeply")),
        "JSON of a number": ("7", refused("single value")), "JSON of null": ("null", refused("single value")), "JSON of a string": ('"a"', refused("single value")),
        "JSON of an empty array": ("[]", refused("no rows")), "JSON of an empty object": ("{}", refused("no column")), "JSON of arrays": ("[[1, 2]]", refused("an array found")),
        "JSON cut off": (f"[{row}, {row[:20]}", refused("broken JSON")), "JSON with a comma too many": (f"[{row},]", refused("broken JSON")),
        "JSON with a comment": (f"// rows\n[{row}]", refused("broken JSON")), "JSON of single quotes": (f"[{row}]".replace('"', "'"), refused("broken JSON")),
        "JSON with NaN": (f'[{row}, {{"text": NaN, "label": "bad"}}]', Read((TEXT, ""))), "JSON with Infinity": ('[{"text": -Infinity, "label": "bad"}]', Read(("",))),
        "JSON with a number of 100,000 digits": (f'[{{"text": {"9" * 100_000}, "label": "b"}}]', Read(("9" * 100_000,))),
        "JSON with 1e999999": ('[{"text": 1e999999, "label": "b"}]', Read(("1e999999",))), "JSON with half a pair": ('[{"text": "a\\ud800b", "label": "b"}]', refused("surrogate")),
        "JSON with NUL": ('[{"text": "a\\u0000b", "label": "b"}]', Read(("a\0b",))), "JSON with keys twice": ('[{"text": "a", "text": "a grey day", "label": "b"}]', Read(("a grey day",))),
        "JSON with an object in a cell": ('[{"text": {"a": 1}, "label": "b"}]', refused("holds an object")), "JSON with another key each": ('[{"text": "a grey day"}, {"label": "b"}]', refused(":1: column 'label' is empty")),
        "JSON with a mark": (codecs.BOM_UTF8 + f"[{row}]".encode(), Read((TEXT,))), "JSON in UTF-16": (codecs.BOM_UTF16_LE + f"[{row}]".encode("utf-16-le"), Read((TEXT,))),
        "JSON with a control character": ('[{"text": "a\nb", "label": "b"}]', refused("broken JSON")), "JSON with a class to build": ('[{"text": {"__class__": "os.system"}, "label": "b"}]', refused("holds an object")),
        "JSON with 100,000 keys": ("[{" + ",".join(f'"k{n}": 1' for n in range(100_000)) + "}]", refused("no column")), "JSON with key __proto__": (f'[{{"__proto__": 1, {row[1:]}]', Read((TEXT,))),
    }
    return [csv(name, content, expected, "json") for name, (content, expected) in kinds.items()]


def json_lines() -> list[Case]:
    """JSON lines."""
    row = json.dumps({"text": TEXT, "label": "bad"}) + "\n"
    kinds: dict[str, tuple[str | bytes, object]] = {
        "lines with one cut": (row + row[:20] + "\n" + row, refused(":2:", "broken JSON")), "lines with two rows on one": (row[:-1] + row, refused(":1:", "broken JSON")),
        "lines with 300 broken": ((row + "{\n") * 300, refused(":2:", "300 rows like it")), "lines with an array": (row + "[1]\n", refused(":2", "an array found")),
        "lines with NUL": (row + "\0\n", refused("NUL byte")), "lines with a deep row": (row + "[" * 100_000 + "\n", refused(":2:")), "lines with blank ones": (row + "\n  \n" + row, Read((TEXT, TEXT))),
        "lines with NaN": (row + "NaN\n", refused(":2")), "lines cut inside a letter": (row.encode() + '{"text": "ê'.encode()[:-1], refused(":2")),
    }
    return [csv(name, content, expected, "jsonl") for name, (content, expected) in kinds.items()]


def sparse(file: Path) -> None:
    """200 MB of zeros behind a header, which take no room on the disk."""
    with file.open("wb") as opened:
        opened.write(HEAD.encode())
        opened.truncate(200_000_000)


def long_cell(file: Path, before: bytes, piece: bytes, after: bytes) -> None:
    """200 MB of one piece again and again."""
    with file.open("wb") as opened:
        opened.write(before)
        for _ in range(200):
            opened.write(piece * (1_000_000 // len(piece)))
        opened.write(after)


def endless() -> list[Case]:
    """Cells of 200 MB."""
    head, end = HEAD.encode(), b",bad\n"
    return [
        table("200 MB of nothing", "csv", sparse, refused()),
        table("cell of 200 MB", "csv", lambda file: long_cell(file, head, b"a", end), refused(":2")),
        table("quoted cell of 200 MB", "csv", lambda file: long_cell(file, head + b'"', b"a grey day\n", b'"' + end), refused(":2")),
        table("cell of 200 MB in a table of tabs", "tsv", lambda file: long_cell(file, head.replace(b",", b"\t"), b"a", end), refused(":2")),
        table("line of JSON of 200 MB", "jsonl", lambda file: long_cell(file, b'{"text": "', b"a", b'", "label": "b"}\n'), refused(":1")),
        table("document of JSON with a cell of 200 MB", "json", lambda file: long_cell(file, b'[{"text": "', b"a", b'", "label": "b"}]'), refused(":1")),
    ]
