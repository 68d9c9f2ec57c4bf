"""Errors that a user can act on. One message shape: where, what was found, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class FinetuneError(Exception):
    """A problem in the user's input or machine; the command line prints it without a traceback."""

    exit_code = 1

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


class SpecError(FinetuneError):
    """The recipe or an override cannot be used; carries every problem found, one a line."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        where, _, what = problems[0].partition(": ")
        super().__init__(where, what)
        self.args = ("\n".join(problems),)
        self.problems = tuple(problems)


class DataError(FinetuneError):
    """The rows cannot be read, split or cleaned."""


class BackboneError(FinetuneError):
    """The pretrained backbone cannot be found or loaded."""


class TrainingError(FinetuneError):
    """Training cannot start or cannot go on."""


class ExportError(FinetuneError):
    """An exported model could not be made, or did not pass the gate."""

    exit_code = 4


class HubError(FinetuneError):
    """The Hub does not take or give what was asked."""


class Interrupted(FinetuneError):  # noqa: N818  # nothing went wrong: it was asked for
    """Ctrl-C or SIGTERM: a checkpoint has been kept and the run can be resumed."""

    exit_code = 130


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The hint ` Did you mean 'x'?`, or nothing when no allowed name is close."""
    spelt = {word.casefold(): word for word in allowed}
    match = difflib.get_close_matches(name.casefold(), spelt, n=1, cutoff=0.6)
    return f" Did you mean {spelt[match[0]]!r}?" if match else ""


def some(items: Iterable[object], limit: int = 5) -> str:
    """The first few items and how many more there are: `1204, 1377, 2051 and 12 more`."""
    words = [str(item) for item in items]
    more = f" and {len(words) - limit:,} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
