"""Data about people and secrets in a text: addresses, numbers with check digits, keys.

Telling apart matters more than finding all: order numbers, dates, versions and ISBNs have to stay what they are. So a
number counts where its check digits are right, where its form is that of one kind only, or where a word before it says
what it is.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from finetune import redact
from finetune.clean import check_digits
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 35
kinds: tuple[str, ...] = ("text",)
default = "report"
policies: tuple[str, ...] = ("off", "report", "fix", "drop", "fail")

Match = re.Match[str]

# RE2: no text without one of these holds anything that is looked for below.
SIGN = (
    r"@[\pL\pN]|\+\pN|\d(?:[ ().\x{A0}/-]{0,3}\d){6}|\d\.\d+\.\d+\.\d|[0-9A-Fa-f]:[0-9A-Fa-f:]*:[0-9A-Fa-f]"
    r"|[A-Z]{2} ?\d\d|-----BEGIN|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|hf_|api_org_|[sr]k[-_]|xox[abeoprs]-|AIza|ya29"
    r"|npm_|pypi-|hooks\.slack|eyJ|://[^/\s]*[:@]|(?i:bearer[\s\pZ])"
    # A word for a secret alone says nothing: "design" and "passed" have one, and a row that is looked into takes long.
    r"|(?i:(?:pass(?:word|wd|phrase)?|secret(?:[_-][\pL\pN_]+)?|token|key|credentials?|authorization|sig(?:nature)?)"
    r"\\?[\"']?[\s\v\pZ\x1c-\x1f\x{85}]*[:=])"
)

EMAIL = re.compile(
    r"(?<![\w.%+\xc0-\u024f-])[\w.%+\xc0-\u024f-]{1,64}@(?:[\w\xc0-\u024f-]{1,63}\.)+(?P<top>[A-Za-z]{2,24})(?![\w-])",
    re.ASCII)
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
CARD = re.compile(
    r"(?<![\w.,-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5}|\d{13,19})(?![\w-]|[.,]\d)", re.ASCII)
ID = re.compile(
    r"(?<![\w.-])(?:(?P<ssn>\d{3}-\d\d-\d{4})|(?P<nino>[A-CEGHJ-PR-TW-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D])"
    r"|(?P<cpf>\d{3}\.\d{3}\.\d{3}-\d\d)|(?P<resident>\d{17}[\dXx])|(?P<dni>\d{8}-?[A-HJ-NP-TV-Z])"
    r"|(?P<fiscal>[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]))(?![\w-]|\.\d)"
    r"|(?i:passport|social security|national id)(?i:\s+(?:no|number|is))*[.:#\s]*(?P<said>(?=[A-Z]*\d)[A-Z\d]{6,12})\b",
    re.ASCII)
IP = re.compile(
    r"(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:]))",
    re.ASCII)
PHONE = re.compile(
    r"(?<![\w.,:/$\xa3\xa5\u20ac+-])(?:"
    r"\+\d{1,3}(?:[ .\xa0-]?(?:\d{1,5}|\(\d{1,5}\))){2,6}"  # with a country code
    r"|(?:1[ .-])?\(?[2-9]\d\d(?:\) ?|[.-])[2-9]\d\d[.-]\d{4}"  # North America
    r"|\(0\d{2,4}\) ?\d{3,4}[ -]?\d{3,4}|0\d{2,4} \d{3,4} ?\d{3,4}|0[1-9](?:[ .-]\d\d){4}"  # area code
    r"|0\d{10}|1[3-9]\d{9}"  # United Kingdom; mobiles in China
    r")(?![\w-]|[.,/]\d)", re.ASCII)
CALLED = re.compile(
    r"(?i)(?<![a-z])(?:tel|phone|telefono|telefon|mobile|fax|call|ring|text|txt|whatsapp)"
    r"(?:\.|:| ?no\.?| number| on| me at| us at| at| to| is|free)*[:\s]\s*"
    r"(?P<number>\(?\d(?:[ ().-]{0,2}\d){6,13})(?![\w-]|[.,/]\d)", re.ASCII)
VERSION = re.compile(r"(?i)(?:\bv|version|release|build|firmware|driver|section|chapter|\xa7|v\.)\s*$")
FILES = ("bmp", "css", "gif", "htm", "html", "jpeg", "jpg", "js", "json", "pdf", "php", "png", "svg", "webp")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells that hold personal data or secrets, and the same text with `[email]`, `[phone]` ... in their place."""
    import pyarrow.compute as pc

    found: list[tuple[int, str, str, str, str]] = []
    counts: Counter[str] = Counter()
    for column in (name for name, kind in roles.items() if kind == "text"):
        suspects = pc.indices_nonzero(pc.match_substring_regex(table[column], SIGN))
        for row, cell in zip(suspects.to_pylist(), table[column].take(suspects).to_pylist(), strict=True):
            masked, held = mask(cell)
            counts += held
            if held:
                found.append((row, column, f"column {column!r} holds {_said(held)}", cell, masked))
    return Findings(*zip(*found, strict=True), counts=dict(sorted(counts.items()))) if found else Findings()


def masks(texts: Iterable[str]) -> dict[str, str]:
    """Text to masked text, for those that hold something to mask."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.array(texts, pa.large_string())
    suspects = column.filter(pc.match_substring_regex(column, SIGN)).to_pylist()
    return {text: masked for text in suspects if (masked := mask(text)[0]) != text}


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with a word in brackets in place of what is personal, and how often each kind was there."""
    text, num_keys = redact.replaced(text, redact.shapes(text), "[key]")
    held = Counter({"key": num_keys} if num_keys else {})
    for kind, pattern, group, holds in KINDS:
        found = [match.span(group) for match in pattern.finditer(text) if holds(match)]
        held.update([kind] * len(found))
        ends, starts = [0, *(end for _, end in found)], [*(start for start, _ in found), len(text)]
        text = f"[{kind}]".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    return text, held


def _said(held: Mapping[str, int]) -> str:
    return ", ".join(kind if number == 1 else f"{number} x {kind}" for kind, number in held.items())


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_email(match: Match) -> bool:
    return match["top"].casefold() not in FILES


def _is_iban(match: Match) -> bool:
    return check_digits.is_iban(match.group().replace(" ", ""))


def _is_card(match: Match) -> bool:
    return check_digits.is_card(_digits(match.group()))


def _is_id(match: Match) -> bool:
    """An identity number whose check digit is right; a few kinds have a form that nothing else has."""
    kind, number = str(match.lastgroup), match.group()
    proofs: dict[str, Callable[[str], bool]] = {
        "ssn": check_digits.is_ssn, "dni": check_digits.is_dni, "resident": check_digits.is_resident,
        "cpf": lambda cpf: check_digits.is_cpf(_digits(cpf)),
    }
    return kind not in proofs or proofs[kind](number)


def _is_ip(match: Match) -> bool:
    """An address that others can reach and that is no version or section number."""
    try:
        address = ipaddress.ip_address(match.group())
    except ValueError:
        return False
    said = VERSION.search(match.string[max(0, match.start() - 20) : match.start()])
    return address.is_global and not said and (address.version == 6 or max(address.packed) > 30)


def _is_phone(match: Match) -> bool:
    number = match[match.lastgroup or 0]
    digits = _digits(number)
    year = re.match(r"(?:19|20)\d\d[ .-]", number)
    return 7 <= len(digits) <= 15 and len(set(digits)) > 2 and not year and number.count("(") == number.count(")")


# In this order: a card is no phone, and what is masked has no digits left.
KINDS: tuple[tuple[str, re.Pattern[str], str | int, Callable[[Match], bool]], ...] = (
    ("email", EMAIL, 0, _is_email), ("iban", IBAN, 0, _is_iban), ("card", CARD, 0, _is_card), ("id", ID, 0, _is_id),
    ("ip", IP, 0, _is_ip), ("phone", PHONE, 0, _is_phone), ("phone", CALLED, "number", _is_phone),
)
