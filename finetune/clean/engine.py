"""Runs the rules of this folder in order, applies their policies, and keeps account of every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from finetune import mapped
from finetune.clean import leakage
from finetune.clean.cells import repaired
from finetune.clean.column_names import named
from finetune.clean.ledger import POSITION, LedgerLine, labels, numbered, sums, tally, with_cells
from finetune.clean.probe.embedded import FEATURES, embedded, matrix
from finetune.clean.review import judging, refusals, verdicts
from finetune.clean.review.tally import tally as told
from finetune.clean.row_text import written
from finetune.clean.survey import clusters
from finetune.contracts import Cell, Embed, Filler, Findings, Learner, Rule
from finetune.errors import SpecError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

TRAIN = "train"  # the only split whose rows are ever changed or dropped
NOT_RULES = {"__init__", "cells", "check_digits", "column_names", "engine", "label_text", "ledger", "leakage",
             "restore", "row_text", "scripts", "signs"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The cleaned splits, the book of what was done to them, its sums (JSON-able), and what else is known of the rows.

    `features` are those of the cleaned training rows, (N, D) float32; None where they were not embedded.
    """

    splits: dict[str, pa.Table]
    ledger: tuple[LedgerLine, ...]
    quality: dict[str, Any]
    features: Array | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule found in each split and what is to be done about it."""

    rule: str
    policy: str
    policies: tuple[str, ...]
    found: Mapping[str, Findings]
    touched: tuple[str, ...] = (TRAIN,)  # the splits whose rows may be changed or dropped

    @property
    def repairs(self) -> bool:
        """Whether the policy puts what the rule proposes into the cells of the training rows."""
        return self.policy not in ("off", "report", "drop", "fail")


@dataclass(frozen=True, slots=True)
class Book:
    """What is written down on the way: the ledger, and why the rows are refused, by rule."""

    roles: Mapping[str, str]
    columns: Mapping[str, str]  # role to the name in the user's file, where it is told
    aside: Path | None = None  # the folder for rows that are too large for memory
    ledger: list[LedgerLine] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)


def rules() -> dict[str, Rule]:
    """Every rule of this folder by name, in the order in which they run."""
    names = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - NOT_RULES)
    modules = {name: import_module(f"finetune.clean.{name}") for name in names}
    return {name: cast("Rule", module) for name, module in sorted(modules.items(), key=lambda item: item[1].order)}


def embedding(roles: Mapping[str, str] | None = None) -> list[str]:
    """The rules that need features of the rows, all or those that read a column of these roles."""
    return [name for name, rule in rules().items()
            if FEATURES in rule.kinds and (roles is None or _reads(rule, roles))]


def offered() -> dict[str, tuple[str, ...]]:
    """The policies of every rule, of the leakage gate and of the verdicts that a person gave."""
    return ({name: rule.policies for name, rule in rules().items()}
            | {"leakage": leakage.policies, judging.RULE: verdicts.policies})


def done(quality: Mapping[str, Any]) -> dict[str, str]:
    """The policy with which each rule went over the rows of a quality report."""
    return {name: entry["policy"] for name, entry in {**quality["rules"], "leakage": quality["leakage"]}.items()}


def problems(policies: Mapping[str, str]) -> list[str]:
    """Every rule and policy that does not exist, with what does."""
    offers = offered()
    found = []
    for name, policy in policies.items():
        if name not in offers:
            known = f"Rules: {', '.join(sorted(offers))}.{nearest(name, offers)}"
            found.append(f"clean.{name}: there is no rule {name!r}. {known}")
        elif policy not in offers[name] and not _accepts(name, policy):
            others = getattr(rules().get(name), "others", None)
            known = f"Policies: {', '.join([*offers[name], *filter(None, [others])])}.{nearest(policy, offers[name])}"
            found.append(f"clean.{name}: there is no policy {policy!r} for it. {known}")
    return found


def _accepts(name: str, policy: str) -> bool:
    rule = rules().get(name)
    return isinstance(rule, Filler) and rule.accepts(policy)


def clean(splits: Mapping[str, pa.Table], roles: Mapping[str, str], policies: Mapping[str, str], *,
          judged: Sequence[verdicts.Verdict] = (), columns: Mapping[str, str] | None = None,
          embed: Embed | None = None, aside: Path | None = None) -> Cleaned:
    """Clean the training rows and report on the others, which are returned as they came.

    `judged` are a person's verdicts; with the policy `all` they alone may change rows that are held out. `columns` are
    the names that columns have in the user's file, by role. Rules that need features of the rows run only where `embed`
    can make them. The folder `aside` takes rows that are too large for memory.
    Errors: SpecError for settings that do not exist or have nothing to act on; RefusedError, a DataError, with all
    reasons where a policy is `fail` and the rule found something, where validation or test rows lack a label, and
    where nothing is left to learn from.
    """
    if wrong := problems(policies) or _without_column(policies, roles):
        raise SpecError(wrong)
    book = Book(roles, columns or {}, aside)
    came, settled, answers = _judge(splits, judged, policies.get(judging.RULE, verdicts.default), book=book)
    # Validation and test tables in here are repaired like the training rows, so that copies are known as such
    # although only one of them was damaged. They are never handed out.
    tables = came
    entries: dict[str, dict[str, Any]] = {}
    copies: list[clusters.Cluster] = []
    details: dict[str, Any] = {}
    with_features = embedded(embed)
    for name, rule in rules().items():
        policy = policies.get(name, rule.default)
        found: dict[str, Findings] = {}
        if policy != "off" and _reads(rule, roles) and (embed is not None or FEATURES not in rule.kinds):
            seen = with_features(tables) if FEATURES in rule.kinds else tables
            find = _finding(rule, policy, seen[TRAIN], roles=roles)
            found = _open(name, {split: find(table, roles) for split, table in seen.items()}, tables, settled=settled)
            details |= found[TRAIN].details
        copies += clusters.gather(name, found, tables)
        tables, entries[name] = _apply(Step(name, policy, rule.policies, found), tables, came, book=book)
        mapped.let_go()
    found, pairs = leakage.find(tables, roles)
    step = Step("leakage", policies.get("leakage", leakage.default), leakage.policies,
                _open("leakage", found, tables, settled=settled))
    tables, leaks = _apply(step, tables, came, book=book)
    cleaned = {split: table.drop_columns([POSITION]) for split, table in {**came, TRAIN: tables[TRAIN]}.items()}
    quality = {"rules": entries, "leakage": {**leaks, "pairs": _with_action(pairs, step)},
               "clusters": clusters.shown(copies, roles), **details, **answers}
    features = matrix(with_features({TRAIN: tables[TRAIN]})[TRAIN]) if embed else None
    return replace(_closed(splits, came, cleaned, quality=quality, book=book), features=features)


def _judge(splits: Mapping[str, pa.Table], given: Sequence[verdicts.Verdict], policy: str, *,
           book: Book) -> tuple[dict[str, pa.Table], Mapping[tuple[str, str], set[int]], dict[str, Any]]:
    """The tables with a person's verdicts carried out, the findings that are settled, and the quality entry."""
    tables = {split: numbered(table) for split, table in splits.items()}
    if policy == "off" or not given:
        return tables, {}, {}
    touched = tuple(splits) if policy == "all" else (TRAIN,)
    judged = judging.judge(given, splits, book.roles, touched=touched)
    by_split: dict[str, Any] = {}
    for doing, found in (("fix", judged.relabelled), ("drop", judged.dropped)):
        step = Step(judging.RULE, doing, ("fix", "drop", "report"), found, touched)
        tables, entry = _apply(step, tables, tables, book=book)
        for split, counts in entry["splits"].items():
            by_split[split] = {name: count + by_split.get(split, {}).get(name, 0) for name, count in counts.items()}
    return tables, judged.settled, {judging.RULE: {"policy": policy, "splits": by_split, **judged.counts}}


def _open(rule: str, found: Mapping[str, Findings], tables: Mapping[str, pa.Table], *,
          settled: Mapping[tuple[str, str], set[int]]) -> dict[str, Findings]:
    """The findings that nobody has judged yet."""
    return {split: judging.unsettled(findings, tables[split], settled.get((rule, split), ()))
            for split, findings in found.items()}


def _closed(splits: Mapping[str, pa.Table], came: Mapping[str, pa.Table], cleaned: dict[str, pa.Table], *,
            quality: dict[str, Any], book: Book) -> Cleaned:
    """The account of it all; raises RefusedError where the rows cannot be learnt from."""
    quality |= sums(splits, cleaned, roles=book.roles, ledger=book.ledger)
    before = {"row": came[TRAIN]["row"].to_pylist(), "label": labels(came[TRAIN], book.roles)}
    messages = [message for of_rule in book.refused.values() for message in of_rule]
    messages += refusals.nothing_left(before, labels(cleaned[TRAIN], book.roles), book.ledger, failed=book.refused)
    quality["tally"] = told(quality, book.ledger, failed=book.refused, policies=offered())
    if messages:
        raise refusals.RefusedError(messages, quality["tally"])
    return Cleaned(cleaned, tuple(book.ledger), quality)


def _finding(rule: Rule, policy: str, train: pa.Table, *,
             roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """What a rule does with every table, once it has seen the training rows."""
    if isinstance(rule, Filler):
        return rule.filling(policy, train, roles)
    return rule.learn(train, roles) if isinstance(rule, Learner) else rule.find


def _reads(rule: Rule, roles: Mapping[str, str]) -> bool:
    return not set(rule.kinds).isdisjoint(roles.values())


def _without_column(policies: Mapping[str, str], roles: Mapping[str, str]) -> list[str]:
    return [
        f"clean.{name}: this task has no {' or '.join(rule.kinds)} column for the rule to read. Leave it out."
        for name, rule in rules().items() if policies.get(name, "off") != "off" and not _reads(rule, roles)
    ]


def _apply(step: Step, tables: Mapping[str, pa.Table], came: Mapping[str, pa.Table], *,
           book: Book) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables after a step and its entry in the quality report; its lines are added to the book.

    A step that has to fail goes on as if its way out had been taken, so that all reasons come to light at once.
    """
    entry: dict[str, Any] = {"policy": step.policy}
    step = replace(step, found={split: named(findings, book.columns) for split, findings in step.found.items()})
    if messages := refusals.messages(step.rule, tables, step.found, policy=step.policy, policies=step.policies):
        book.refused[step.rule] = messages
    if step.policy == "fail":
        step = replace(step, policy=refusals.way_out(step.policies))
    lines: list[LedgerLine] = []
    after = dict(tables)
    for split in step.found:
        lines += _lines(step, split, table=tables[split], original=came[split])
        after[split] = _amended(step, split, table=tables[split], book=book)
    book.ledger.extend(lines)
    counts = tally(lines, step.found)
    kinds = {split: {"kinds": dict(findings.counts)} for split, findings in step.found.items() if findings.counts}
    return after, entry | {"splits": {split: counts[split] | kinds.get(split, {}) for split in counts}}


def _action(step: Step, split: str, *, after: Cell) -> Literal["dropped", "changed", "reported"]:
    if split in step.touched and step.policy == "drop":
        return "dropped"
    if split in step.touched and step.repairs and after is not None:
        return "changed"
    return "reported"


def _lines(step: Step, split: str, *, table: pa.Table, original: pa.Table) -> list[LedgerLine]:
    """One line per finding, and one per row where rows are dropped; held-out rows are quoted as they came."""
    findings = step.found[split]
    if not findings:
        return []
    rows = list(findings.rows)
    source = table if split == TRAIN else original
    places = source.select(["row", "hash", POSITION]).take(rows).to_pylist()
    before = findings.before if split == TRAIN else [
        None if quote is None else written(original[column][row].as_py())
        for row, column, quote in zip(rows, findings.columns, findings.before, strict=True)]
    sure = findings.confidence or (None,) * len(findings)
    cells = zip(places, findings.columns, findings.reasons, before, findings.after, sure, strict=True)
    lines = [LedgerLine(place["row"], place["hash"], split, step.rule, _action(step, split, after=after), reason, old,
                        after, column, place[POSITION], confidence=confidence)
             for place, column, reason, old, after, confidence in cells]
    if split in step.touched and step.policy == "drop":
        first = dict(zip(reversed(rows), reversed(lines), strict=True))
        return with_cells(list(first.values())[::-1], table.take(list(first)[::-1]))
    return lines


def _amended(step: Step, split: str, *, table: pa.Table, book: Book) -> pa.Table:
    import numpy as np

    findings = step.found[split]
    if step.repairs:
        return repaired(table, findings, roles=book.roles, aside=book.aside)
    if step.policy == "drop" and split in step.touched and findings:
        from finetune.clean.near.once import hand_on

        stays = np.ones(table.num_rows, dtype=bool)
        stays[list(findings.rows)] = False
        return hand_on(table, mapped.filtered(table, stays, book.aside), np.flatnonzero(stays))
    return table


def _with_action(pairs: Mapping[str, dict[str, int]], step: Step) -> dict[str, dict[str, Any]]:
    return {pair: {**counts, "action": _action(step, next(iter(counts)), after=None)} for pair, counts in pairs.items()}
