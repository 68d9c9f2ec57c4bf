"""Numbers as people read them: shares in percent, differences in points, three digits elsewhere."""

from __future__ import annotations

from typing import Any

from finetune.report.folder import finite

UNKNOWN = "not measured"


def percent(value: Any) -> str:
    """A share: 0.8231 is `82.3%`."""
    return f"{_plain(100 * value, 1)}%" if finite(value) else UNKNOWN


def points(value: Any) -> str:
    """A difference of two scores in percentage points, signed: 0.031 is `+3.1`."""
    if not finite(value):
        return UNKNOWN
    rounded = _plain(100 * value, 1)
    return f"+{rounded}" if value > 0 and rounded != "0.0" else rounded


def count(value: Any) -> str:
    """A whole number with thousands parted: `1,106`."""
    return f"{round(value):,}" if finite(value) else UNKNOWN


def plural(number: int, noun: str) -> str:
    """A count with its noun: `1 row`, `1,106 rows`."""
    return f"{number:,} {noun if number == 1 else plurals(noun)}"


def plurals(noun: str) -> str:
    """More than one of them: `rows`, `entities`."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent; one that is not zero never reads as zero."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    return "under 0.1%" if 0 < percent < 0.1 else f"{_plain(percent, 1 if percent < 10 else 0)}%"


def amount(value: Any) -> str:
    """A quantity with three digits: `0.0312`, `22.0`, `1,840`, `3.1e-8`."""
    if not finite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        mantissa, _, exponent = f"{value:.2g}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:#.3g}".removesuffix(".")


def signed(value: Any) -> str:
    """A difference of two quantities, below 1 to thousandths: `+0.215`, `-0.008`, `+12.4`."""
    if not finite(value) or value == 0:
        return amount(value)
    return f"{value:+.3f}" if 0.001 <= abs(value) < 1 else f"{'+' if value > 0 else ''}{amount(value)}"


def epochs(value: Any) -> str:
    """A number of epochs: `3`, `0.25`."""
    return f"{round(value, 2):g}" if finite(value) else UNKNOWN


def duration(seconds: Any) -> str:
    """A time span in its two largest units: `41 s`, `3 min 12 s`, `2 h 5 min`."""
    if not finite(seconds):
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s" if seconds >= 1 else f"{seconds:.2g} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def setting(value: Any) -> str:
    """A recipe value as it would be typed: `3e-5`, `true`, `none`, `shift, flip`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _exponent(repr(value))
    if isinstance(value, list | tuple):
        return ", ".join(setting(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={setting(item)}" for key, item in value.items()) or "none"
    return str(value)


def _exponent(text: str) -> str:
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text
