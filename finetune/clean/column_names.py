"""What the user calls the columns that rules know by their roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from finetune.contracts import Findings


def named(findings: Findings, columns: Mapping[str, str]) -> Findings:
    """The findings with the names of the user's columns in their reasons, each beside its role where the two differ.

    Example: "column 'label' is empty" becomes "column 'Sentiment' (label) is empty".
    """
    told = {f"column {role!r}": f"column {name!r} ({role})" for role, name in columns.items() if name != role}
    return replace(findings, reasons=tuple(_with(reason, told) for reason in findings.reasons)) if told else findings


def _with(reason: str, told: Mapping[str, str]) -> str:
    start = next((start for start in told if reason.startswith(f"{start} ")), None)
    return reason if start is None else told[start] + reason.removeprefix(start)
