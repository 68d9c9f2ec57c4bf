"""Runs the rules of this folder in order, applies their policies, and keeps account of every row."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from finetune.clean import leakage
from finetune.clean.duplicates import content
from finetune.clean.ledger import POSITION, LedgerLine, class_counts, fingerprint, flagged, numbered, tally, with_cells
from finetune.contracts import Cell, Filler, Findings, Learner, Rule
from finetune.errors import DataError, SpecError, nearest, some

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN = "train"  # the only split whose rows are ever changed or dropped
NOT_RULES = {"__init__", "check_digits", "engine", "ledger", "leakage", "restore", "scripts"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The cleaned splits, the book of what was done to them, and its sums (JSON-able)."""

    splits: dict[str, pa.Table]
    ledger: tuple[LedgerLine, ...]
    quality: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule found in each split and what is to be done about it."""

    rule: str
    policy: str
    policies: tuple[str, ...]
    found: Mapping[str, Findings]

    @property
    def repairs(self) -> bool:
        """Whether the policy puts what the rule proposes into the cells of the training rows."""
        return self.policy not in ("off", "report", "drop", "fail")


def rules() -> dict[str, Rule]:
    """Every rule of this folder by name, in the order in which they run."""
    names = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - NOT_RULES)
    modules = {name: import_module(f"finetune.clean.{name}") for name in names}
    return {name: cast("Rule", module) for name, module in sorted(modules.items(), key=lambda item: item[1].order)}


def problems(policies: Mapping[str, str]) -> list[str]:
    """Every rule and policy that does not exist, with what does."""
    offers = {name: rule.policies for name, rule in rules().items()} | {"leakage": leakage.policies}
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
          on_rule: Callable[[str, int], None] | None = None) -> Cleaned:
    """Clean the training rows and report on the others, which are returned as they came.

    Errors: SpecError for settings that do not exist or have nothing to act on; DataError where a policy is `fail` and
    the rule found something, where validation or test rows lack a label, and where nothing is left to learn from.
    """
    if wrong := problems(policies) or _without_column(policies, roles):
        raise SpecError(wrong)
    # Validation and test tables in here are repaired like the training rows, so that copies are known as such
    # although only one of them was damaged. They are never handed out.
    tables = {split: numbered(table) for split, table in splits.items()}
    ledger: list[LedgerLine] = []
    entries: dict[str, dict[str, Any]] = {}
    for name, rule in rules().items():
        policy = policies.get(name, rule.default)
        found = {}
        if policy != "off" and _reads(rule, roles):
            find = _finding(rule, policy, tables[TRAIN], roles=roles)
            found = {split: find(table, roles) for split, table in tables.items()}
        step = Step(name, policy, rule.policies, found)
        tables, entries[name] = _apply(step, tables, splits=splits, roles=roles, ledger=ledger)
        if on_rule and found:
            on_rule(name, _num_found(entries[name]))
    found, pairs = leakage.find(tables, roles)
    step = Step("leakage", policies.get("leakage", leakage.default), leakage.policies, found)
    tables, leaks = _apply(step, tables, splits=splits, roles=roles, ledger=ledger)
    if on_rule:
        on_rule("leakage", _num_found(leaks))
    cleaned = {**splits, TRAIN: tables[TRAIN].drop_columns([POSITION])}
    _check_left(splits[TRAIN], cleaned[TRAIN], roles=roles, ledger=ledger)
    quality = {"rules": entries, "leakage": {**leaks, "pairs": _with_action(pairs, step)}}
    return Cleaned(cleaned, tuple(ledger), quality | _sums(splits, cleaned, roles=roles, ledger=ledger))


def _finding(rule: Rule, policy: str, train: pa.Table, *,
             roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """What a rule does with every table, once it has seen the training rows."""
    if isinstance(rule, Filler):
        return rule.filling(policy, train, roles)
    return rule.learn(train, roles) if isinstance(rule, Learner) else rule.find


def _num_found(entry: Mapping[str, Any]) -> int:
    return sum(counts["found"] for counts in entry["splits"].values())


def _reads(rule: Rule, roles: Mapping[str, str]) -> bool:
    return not set(rule.kinds).isdisjoint(roles.values())


def _without_column(policies: Mapping[str, str], roles: Mapping[str, str]) -> list[str]:
    return [
        f"clean.{name}: this task has no {' or '.join(rule.kinds)} column for the rule to read. Leave it out."
        for name, rule in rules().items() if policies.get(name, "off") != "off" and not _reads(rule, roles)
    ]


def _apply(step: Step, tables: Mapping[str, pa.Table], *, splits: Mapping[str, pa.Table],
           roles: Mapping[str, str], ledger: list[LedgerLine]) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables after a step and its entry in the quality report; its lines are added to the ledger."""
    _refuse(step, tables)
    lines: list[LedgerLine] = []
    after = dict(tables)
    for split in step.found:
        lines += _lines(step, split, table=tables[split], original=splits[split])
        after[split] = _amended(step, split, table=tables[split], roles=roles)
    ledger += lines
    counts = tally(lines, step.found)
    kinds = {split: {"kinds": dict(findings.counts)} for split, findings in step.found.items() if findings.counts}
    return after, {"policy": step.policy, "splits": {split: counts[split] | kinds.get(split, {}) for split in counts}}


def _refuse(step: Step, tables: Mapping[str, pa.Table]) -> None:
    """Raise one DataError for all splits in which the findings of a step must not be."""
    messages = []
    for split, findings in step.found.items():
        # A held-out row is never dropped, so a rule that cannot merely report leaves no choice.
        fails = step.policy == "fail" if split == TRAIN else "report" not in step.policies
        if not (fails and findings):
            continue
        rows = list(dict.fromkeys(tables[split]["row"].take(list(findings.rows)).to_pylist()))
        like_it = f" {len(rows):,} rows like it ({some(_numbers(rows))})." if len(rows) > 1 else ""
        fix = "Fix them" if like_it else "Fix it"
        means = next(policy for policy in ("fix", "drop") if policy in step.policies)
        way_out = f" or set clean.{step.rule}={means}" if split == TRAIN else f": {split} rows are never dropped"
        messages.append(f"data.files.{split}: {rows[0]}: {findings.reasons[0]}.{like_it} {fix}{way_out}.")
    if messages:
        where, _, what = "\n".join(messages).partition(": ")
        raise DataError(where, what)


def _numbers(rows: Sequence[str]) -> list[str]:
    """The line numbers alone where all rows are lines of one file."""
    parts = [row.rpartition(":") for row in rows]
    one_file = len({file for file, _, _ in parts}) == 1 and all(number.isdecimal() for _, _, number in parts)
    return [number for _, _, number in parts] if one_file else list(rows)


def _action(step: Step, split: str, *, after: Cell) -> Literal["dropped", "changed", "reported"]:
    if split == TRAIN and step.policy == "drop":
        return "dropped"
    if split == TRAIN and step.repairs and after is not None:
        return "changed"
    return "reported"


def _lines(step: Step, split: str, *, table: pa.Table, original: pa.Table) -> list[LedgerLine]:
    """One line per finding, and one per row where rows are dropped; held-out rows are quoted as they came."""
    findings = step.found[split]
    if not findings:
        return []
    rows = list(findings.rows)
    source = table if split == TRAIN else numbered(original)
    places = source.select(["row", "hash", POSITION]).take(rows).to_pylist()
    before = findings.before if split == TRAIN else [
        None if quote is None else original[column][row].as_py()
        for row, column, quote in zip(rows, findings.columns, findings.before, strict=True)]
    cells = zip(places, findings.columns, findings.reasons, before, findings.after, strict=True)
    lines = [LedgerLine(place["row"], place["hash"], split, step.rule, _action(step, split, after=after), reason, old,
                        after, column, place[POSITION]) for place, column, reason, old, after in cells]
    if split == TRAIN and step.policy == "drop":
        first = dict(zip(reversed(rows), reversed(lines), strict=True))
        return with_cells(list(first.values())[::-1], table.take(list(first)[::-1]))
    return lines


def _amended(step: Step, split: str, *, table: pa.Table, roles: Mapping[str, str]) -> pa.Table:
    import numpy as np

    findings = step.found[split]
    if step.repairs:
        return repaired(table, findings, roles=roles)
    if step.policy == "drop" and split == TRAIN and findings:
        from finetune.clean.near.once import hand_on

        stays = np.delete(np.arange(table.num_rows), findings.rows)
        return hand_on(table, _without_gaps(table, stays), stays)
    return table


def _without_gaps(table: pa.Table, rows: Any) -> pa.Table:
    """Some rows in ascending order; joining their runs needs just their size, `take` (pyarrow 26) up to twice that."""
    import numpy as np
    import pyarrow as pa

    begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    runs = zip(rows[begins].tolist(), np.diff(begins, append=len(rows)).tolist(), strict=True)
    return pa.concat_tables([table.slice(0, 0), *(table.slice(start, size) for start, size in runs)]).combine_chunks()


def repaired(table: pa.Table, findings: Findings, *, roles: Mapping[str, str]) -> pa.Table:
    """The table with every repaired cell in its place and the hash of its row anew."""
    cells: dict[str, dict[int, str | float]] = {}
    for row, column, after in zip(findings.rows, findings.columns, findings.after, strict=True):
        if after is not None:
            cells.setdefault(column, {})[row] = after
    for column, of_column in cells.items():
        table = replace_cells(table, column, cells=of_column)
    hashed = cells.get(content(roles), {})
    hashes = {row: hashlib.sha256(str(cell).encode()).hexdigest() for row, cell in hashed.items()}
    return replace_cells(table, "hash", cells=hashes)


def replace_cells(table: pa.Table, column: str, *, cells: Mapping[int, Any]) -> pa.Table:
    """The table with other cells at these positions of one column."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not cells:
        return table
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[list(cells)] = True
    kind = table.schema.field(column).type
    new = pc.replace_with_mask(table[column], pa.array(mask), pa.array([cells[row] for row in sorted(cells)], kind))
    return table.set_column(table.column_names.index(column), table.schema.field(column), new)


def _labels(table: pa.Table, roles: Mapping[str, str]) -> list[str | None]:
    """The label of each row; None for all where the task has no label column."""
    column = next((name for name, kind in roles.items() if kind == "label"), None)
    return table[column].to_pylist() if column else [None] * table.num_rows


def _check_left(before: pa.Table, after: pa.Table, *, roles: Mapping[str, str], ledger: Sequence[LedgerLine]) -> None:
    """DataError where no training row is left, or none of a label that had some."""
    labels = _labels(before, roles)
    gone = sorted(set(filter(None, labels)) - set(_labels(after, roles)))
    if after.num_rows and not gone:
        return
    label_of = dict(zip(before["row"].to_pylist(), labels, strict=True))
    dropped = Counter((label_of[line.row], line.rule) for line in ledger if line.action == "dropped")
    by_label = [f"label {label!r} ({_blame(dropped, {label})})" for label in gone]
    left = f"none of {', '.join(by_label)}" if after.num_rows else f"none ({_blame(dropped, set(labels))})"
    raise DataError(f"data.files.{TRAIN}",
                    f"of {before.num_rows:,} training rows cleaning left {left}. Every label needs at least one row. "
                    "Add rows, or set the policy of these rules to 'report'.")


def _blame(dropped: Mapping[tuple[str | None, str], int], labels: set[str | None]) -> str:
    counts: Counter[str] = Counter()
    for (label, rule), num_rows in dropped.items():
        counts[rule] += num_rows if label in labels else 0
    blamed = [f"{rule} dropped {num_rows:,}" for rule, num_rows in counts.items() if num_rows]
    return ", ".join(blamed) or "there were none"


def _with_action(pairs: Mapping[str, dict[str, int]], step: Step) -> dict[str, dict[str, Any]]:
    return {pair: {**counts, "action": _action(step, next(iter(counts)), after=None)} for pair, counts in pairs.items()}


def _sums(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], *, roles: Mapping[str, str],
          ledger: Sequence[LedgerLine]) -> dict[str, Any]:
    labels = {split: (_labels(before[split], roles), _labels(after[split], roles)) for split in before}
    return {
        "classes": {split: class_counts(*of_split) for split, of_split in labels.items()},
        "rows": {split: {"before": before[split].num_rows, "after": after[split].num_rows} for split in before},
        "flagged": flagged(ledger, before),
        "fingerprints": {split: fingerprint(table) for split, table in after.items()},
    }
