"""Asking the Hub again where another time may go better, and saying in our words why it does not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from finetune.errors import HubError

T = TypeVar("T")
AGAIN = {408, 412, 425, 429, 500, 502, 503, 504}  # 412: somebody was faster, or it was our own commit after all
LOGIN = ("Make one that may write (https://huggingface.co/settings/tokens), then set HF_TOKEN or call `hf auth login`")
ADVICE = {
    401: f"The token is not accepted. {LOGIN}.",
    403: f"The token may not write there. Name a repository of yours (--repo me/NAME), or use another token. {LOGIN}.",
    404: "There is no such owner or repository, or the token may not see it. Check --repo.",
    412: "Somebody else is changing it at the same time. Look at it, then push again.",
    429: "The Hub wants fewer requests. Push again later; what was uploaded need not be sent again.",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try."""

    attempts: int = 6
    first_wait_s: float = 1.0  # doubled every time, unless the Hub says how long
    longest_wait_s: float = 300.0


def patiently(act: Callable[[], T], where: str, *, say: Callable[[str], None], patience: Patience) -> T:
    """What `act` returns, at the first attempt that the line and the Hub let through; raises HubError without one."""
    for attempt in itertools.count(1):
        try:
            return act()
        except (OSError, RuntimeError, ValueError) as error:
            wait = _wait(error, patience.first_wait_s * 2 ** (attempt - 1))
            if wait is None or wait > patience.longest_wait_s or attempt == patience.attempts:
                raise _refusal(error, where, sure=attempt == 1 and _response(error) is not None) from error
            say(f"{_found(error)}; attempt {attempt + 1} of {patience.attempts} in {wait:g} s")
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _refusal(error: Exception, where: str, *, sure: bool) -> HubError:
    """Why the Hub does not do what was asked, and what to do; `sure` says that no attempt before reached it."""
    remote = "The remote is unchanged" if sure else "The remote is unchanged, or holds the whole push"
    response = _response(error)
    if response is None:
        todo = ("Push again when the line is better; what was uploaded need not be sent again." if _broke(error)
                else "Mend it, then push again.")
        return HubError(where, f"{_found(error)}. {remote}. {todo}")
    advice = ADVICE.get(response.status_code, "Try later; https://status.huggingface.co tells whether it is down."
                        if response.status_code >= 500 else "Mend what it names, then push again.")
    return HubError(where, f"{_found(error)}. {remote}. {advice}")


def _wait(error: Exception, usual: float) -> float | None:
    """Seconds until another attempt is worth it; None for never."""
    response = _response(error)
    if response is None:
        return usual if _broke(error) else None
    if response.status_code not in AGAIN:
        return None
    told = response.headers.get("Retry-After")
    return usual if told is None else max(0.0, _seconds(told, usual))


def _seconds(told: str, usual: float) -> float:
    """A Retry-After header: seconds, or a date (RFC 9110, 10.2.3)."""
    try:
        return float(told)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return usual


def _found(error: Exception) -> str:
    """What happened, in a few words."""
    response = _response(error)
    if response is None:
        return f"{'the connection' if _broke(error) else 'it'} failed ({_first_line(error)})"
    code = response.status_code
    said = getattr(error, "server_message", None) or response.headers.get("X-Error-Message") or response.reason
    return f"the Hub answers {code} ({' '.join(str(said).split())[:300]})"


def _broke(error: Exception) -> bool:
    """Whether it was the line: a file of ours has a name, and an upload's own error says nothing of its reason."""
    links = list(_chain(error))
    return not any(getattr(link, "filename", None) for link in links) and any(
        isinstance(link, OSError | RuntimeError) for link in links)


def _first_line(error: Exception) -> str:
    """The innermost reason: outer ones only say that an upload failed."""
    last = list(_chain(error))[-1]
    return next(iter(str(last).strip().splitlines()), "") or type(last).__name__


def _response(error: Exception) -> Any:
    """The answer of the Hub behind an error, None where there was none."""
    found = (getattr(link, "response", None) for link in _chain(error))
    return next((response for response in found if response is not None), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
