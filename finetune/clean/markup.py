"""What is left of web pages in a text: HTML entities, whole or broken, and tags.

A text is not a page: `a < b`, `<3`, `List<String>` and `<user>` stay. Only names of HTML elements count, and an inline
element without attributes counts only where it is closed as well.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean import encoding
from finetune.clean.whitespace import tidy
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 15  # before blanks and white space: a page's blanks come to light here
kinds: tuple[str, ...] = ("text",)
default = "fix"
policies: tuple[str, ...] = ("off", "report", "fix", "fail")

Match = re.Match[str]

# RE2: no text without one of these is repaired below.
SIGN = r"&#?\w+;|<[/!A-Za-z]|#\d{2,4};|(?:^|[^&\pL\pN])(?:lt|gt|amp|quot|nbsp|apos|hellip);"

BLOCK = ("article|aside|blockquote|body|br|caption|center|dd|div|dl|dt|footer|form|h[1-6]|head|header|hr|html|iframe|"
         "img|input|li|link|meta|nav|ol|option|p|pre|section|select|table|tbody|td|tfoot|th|thead|title|tr|ul")
INLINE = "a|abbr|b|big|cite|code|del|em|font|i|ins|kbd|label|mark|nobr|q|samp|small|span|strike|strong|sub|sup|tt|u|var"
VALUES = r"\s+[a-z-]+\s*=[^<>]*"  # of attributes; real pages forget their quotes, so anything up to the end
UNSEEN = (  # parts of a page that nobody reads: where they begin and end
    (re.compile("<!--"), re.compile("-->")), (re.compile(r"(?i)<!doctype\b"), re.compile(">")),
    (re.compile(r"(?i)<script\b[^<>]*>"), re.compile(r"(?i)</script\s*>")),
    (re.compile(r"(?i)<style\b[^<>]*>"), re.compile(r"(?i)</style\s*>")),
)
BREAK = re.compile(rf"(?i)</?(?:{BLOCK})(?:{VALUES})?\s*/?>")
WITH_VALUES = re.compile(rf"(?i)<(?:{INLINE}){VALUES}>")
PLAIN = re.compile(rf"(?i)<(?P<name>{INLINE})\s*>")
CLOSING = re.compile(rf"(?i)</(?P<name>{INLINE})\s*>")

ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# A lost ampersand leaves a blank in its place or nothing. Only signs that pages spell out: `see #12;` is none.
CODES = ("0?(?:34|36|38|39|60|62|91|93|124|14[5-9]|15[0-3]|16[0-3]|167|169|17[14]|176|183|18[79]|82[12]\\d|8230|8364|"
         "8482)")
SPELT = rf"(?:#(?:{CODES})|lt|gt|amp|quot|nbsp|apos|hellip);"
BROKEN = re.compile(rf"(?<![&\w]){SPELT}")
# An apostrophe within a word, and a mark that closes, took the blank of the word before them.
INSIDE = re.compile(r"(?<=\w) (?:#0?39|#8217|#146|apos);(?=(?:s|t|re|ve|ll|d|m|em)\b)", re.IGNORECASE)
TAG = re.compile(r"(?<![&\w])lt;(/?[A-Za-z][^<>;]{0,300}?) ?gt;")
QUOTES = re.compile(r"(?P<before> ?)(?<![&\w])(?P<mark>quot|#0?3[49]|#14[5-8]|#82(?:1[6-9]|2[01])|apos);(?P<after> ?)")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells with remains of HTML, and the same text as a reader of the page saw it."""
    from finetune.clean.signs import matches

    found: list[tuple[int, str, str, str, str]] = []
    counts: Counter[str] = Counter()
    for column in (name for name, kind in roles.items() if kind == "text"):
        rows = matches(table[column], SIGN, lambda data, _: (data == ord("<")) | (data == ord(";")))
        for row, cell in zip(rows.tolist(), table[column].take(rows).to_pylist(), strict=True):
            repaired = repair(cell)
            if repaired != cell:
                kinds_found = _kinds(cell) or ("HTML",)
                counts.update(kinds_found)
                found.append((row, column, f"column {column!r} has {', '.join(kinds_found)}", cell, repaired))
    return Findings(*zip(*found, strict=True), counts=dict(sorted(counts.items()))) if found else Findings()


def repair(text: str) -> str:
    """The text without tags, every entity the sign that it stands for; nothing is left to be repaired in it."""
    was_tidy = tidy(text) == text
    for _ in range(8):  # pages that were escaped twice; deeper than this nobody has seen
        after = _untagged(ENTITY.sub(_sign, _mended(text)))
        if after == text:
            break
        text = after if after.isascii() else encoding.repair(after)  # an entity can spell out what was decoded wrongly
    return tidy(text) if was_tidy else text


def _kinds(text: str) -> tuple[str, ...]:
    signs = {"HTML tags": _untagged(text) != text, "HTML entities": ENTITY.sub(_sign, text) != text,
             "broken HTML entities": _mended(text) != text}
    return tuple(kind for kind, is_there in signs.items() if is_there)


def _sign(entity: Match) -> str:
    """The sign that an entity stands for; what stands for none, or for a control character, stays."""
    sign = html.unescape(entity.group())
    if sign == "\xa0":
        return " "
    return sign if sign != entity.group() and sign.isprintable() and "\ufffd" not in sign else entity.group()


def _untagged(text: str) -> str:
    if "<" not in text:
        return text
    for opening, closing in UNSEEN:
        text = _without(text, opening, closing)
    text = WITH_VALUES.sub("", BREAK.sub(" ", text))
    closed = {name.casefold() for name in CLOSING.findall(text)}
    text = PLAIN.sub(lambda tag: "" if tag["name"].casefold() in closed else tag.group(), text)
    return CLOSING.sub("", text)


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text without what stands between the two; one pass, however often something opens and never closes."""
    parts, place = [], 0
    while (start := opening.search(text, place)) and (end := closing.search(text, start.end())):
        parts.append(text[place : start.start()])
        place = end.end()
    return " ".join([*parts, text[place:]])


def _mended(text: str) -> str:
    """Entities without their ampersand, as the signs."""
    if ";" not in text or not BROKEN.search(text):
        return text
    text = INSIDE.sub("'", TAG.sub(r"<\1>", text))
    opened: set[str] = set()

    def quoted(found: Match) -> str:
        sign, before, after = html.unescape(f"&{found['mark']};"), found["before"], found["after"]
        left = found.string[found.start() - 1 : found.start()] if found.start() else ""
        right = found.string[found.end() : found.end() + 1]
        ends_word = not right or bool(after) or not (right.isalnum() or right in "#$(-&'\"")
        if (sign in opened and ends_word) or (ends_word and left.isalnum()):
            opened.discard(sign)
            return f"{sign}{after}"
        opened.add(sign)
        return f"{before}{sign}"

    text = QUOTES.sub(quoted, text)
    return BROKEN.sub(lambda found: _sign_of(found.group()), text)


def _sign_of(spelt: str) -> str:
    sign = html.unescape(f"&{spelt}")
    return " " if sign == "\xa0" else sign
