"""Secrets in a text: how they look, which ones this process was told, and the text without them.

Two doors use it. Words for people (console, errors, tracebacks) pass through a `RedactedStream`, which hides secrets;
`hub/scan.py` looks through the files of a push and refuses. Files of a run are never altered: a setting that holds a
secret is refused before there is one.
"""

from __future__ import annotations

import functools
import html
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO, cast
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "[hidden]"
SHORTEST = 8  # characters of a value that is taken for a secret by the name it stands under
SHORTEST_WORD = 16  # a value of letters alone is a word, as in SOME_AUTH=disabled, unless it is called a password

_NAMES = (r"(?:(?<![a-z0-9])(?:pass(?:word|wd|phrase)|credentials?|secret(?:[_-]\w+)?"
          r"|(?:api|access|private|account|signing|client|encryption)[_-]?key"
          r"|(?:api|auth|access|refresh|session|bearer|bot|hub|hf|github|gitlab|slack|security)[_-]?token)"
          r"|(?<![a-z0-9_])token|(?<=[?&])(?:sig|x-amz-(?:signature|credential)))")
_NO_NUMBER = r"(?!\d+(?:\.\d+)?(?![^\s\"',;&}\]]))"
_VALUE = r"(?P<secret>[^\s\"'<>{}\[\](),;&$%*\\][^\s\"'<>,;&\\]{7,})"

# Kind -> pattern; the group `secret` is what has to go, or else the whole match.
SHAPES = {kind: re.compile(pattern) for kind, pattern in {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.*?(?:-----END [A-Z0-9 ]+-----|\Z))",
    "a Hub token": r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{30,}",
    "an AWS key": r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])",
    "a GitHub token": r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
    "a GitLab token": r"(?<![A-Za-z0-9])glpat-[\w-]{20,}",
    "an API key": r"(?<![A-Za-z0-9])(?:sk-(?=[\w-]*\d)[\w-]{20,}|[sr]k_live_[A-Za-z0-9]{16,})",
    "a Slack token": r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/[\w/]{20,}",
    "a Google key": r"(?<![A-Za-z0-9])(?:AIza[\w-]{35}|ya29\.[\w-]{20,})",
    "a package index token": r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{50,})",
    "a web token (JWT)": r"(?<![A-Za-z0-9])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    # With one slash too: that is what a path makes of an address.
    "a password in an address": r"(?<=[a-z0-9]:/)/?(?P<secret>[^\s/@:'\"<>]*:[^\s/@'\"<>]+)(?=@[\w.\[-])",
    "a token in an address": r"(?<=://)(?P<secret>[\w-]{20,})(?=@[\w.\[-])",
    "an authorization header": r"(?i)(?<![a-z])(?:bearer|authorization[\"']?\s*[:=]\s*[\"']?(?:basic|token))\s+"
                               r"(?P<secret>[\w.~+/=-]{16,})",
    "a password or key": rf"(?i){_NAMES}={_NO_NUMBER}{_VALUE}",
    # A word after a colon may be prose, as in `token: position`; so here a letter alone does not make a secret.
    "a password or key in a setting": rf"(?i){_NAMES}\\?[\"']?\s*[:=]\s*\\?[\"']?{_NO_NUMBER}"
                                      rf"(?=[a-z.]*[^a-z.\s\"']){_VALUE}",
}.items()}

_SAYS_SECRET = re.compile(r"SECRET|PASSW|PASSPHRASE|CREDENTIAL")
_SOUNDS_SECRET = re.compile(rf"{_SAYS_SECRET.pattern}|(?:^|_)(?:KEY|AUTH|PAT|PASS|APIKEY)(?:_|$)"
                            r"|_PWD(?:_|$)|TOKEN(?:_|$)")
_told: dict[str, str] = {}  # secret -> kind


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Where in a text a secret stands, and what it looks like; never the secret itself."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[Finding]:
    """Every secret in a text, by its shape or because it is known, in the order of the text."""
    return sorted([*shapes(text), *(Finding(start, start + len(spelling), kind) for spelling, kind in known().items()
                                    for start in _places(text, spelling))])


def shapes(text: str) -> Iterator[Finding]:
    """What looks like a secret."""
    for kind, pattern in SHAPES.items():
        for match in pattern.finditer(text):
            start, end = match.span("secret" if "secret" in pattern.groupindex else 0)
            yield Finding(start, end, kind)


def redacted(text: str) -> str:
    """The text with `[hidden]` in place of every secret."""
    return replaced(text, find(text), HIDDEN)[0]


def replaced(text: str, findings: Iterable[Finding], word: str) -> tuple[str, int]:
    """The text with a word in place of what was found, and how often; what overlaps counts once."""
    parts: list[str] = []
    done = num_replaced = 0
    for finding in sorted(findings):
        if finding.start >= done:
            parts += [text[done : finding.start], word]
            num_replaced += 1
        done = max(done, finding.end)
    return "".join(parts) + text[done:], num_replaced


def learn(texts: Iterable[str], kind: str = "") -> None:
    """Hide from now on what these texts hold that looks secret, wherever it appears; with a kind, all of each text."""
    for text in texts:
        found = [(text, kind)] if kind else [(text[item.start : item.end], item.kind) for item in shapes(text)]
        for secret, what in found:
            _told.update(dict.fromkeys(_parts(secret), what))


def known() -> dict[str, str]:
    """Secrets of this process in every spelling that a file or message may give them, with their kind."""
    return _of_environment(tuple(os.environ.items())) | {
        spelling: kind for secret, kind in _told.items() for spelling in spellings(secret)}


def spellings(secret: str) -> set[str]:
    """A secret as it stands in plain text, JSON, Python, an address or a page."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1],
            quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}


@functools.lru_cache(maxsize=8)
def _of_environment(variables: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Values of variables that sound secret, and passwords in the addresses of all others."""
    found = {}
    for name, value in variables:
        kind = f"the value of the environment variable {name}"
        secrets = [value] if _is_secret(name, value) else [
            part for item in shapes(value) for part in _parts(value[item.start : item.end])]
        found.update({spelling: kind for secret in secrets for spelling in spellings(secret)})
    return found


def _is_secret(name: str, value: str) -> bool:
    name = name.upper()
    if len(value) < SHORTEST or not _SOUNDS_SECRET.search(name):
        return False
    if value.isalpha() and len(value) < SHORTEST_WORD and not _SAYS_SECRET.search(name):
        return False
    return not os.path.exists(value)  # noqa: PTH110  # Path.exists raises where a value is too long to be a path


def _parts(secret: str) -> Iterator[str]:
    """A secret, and of `user:password` the password alone, as written and as meant."""
    for text in (secret, secret.partition(":")[2]):
        yield from (spelt for spelt in (text, unquote(text)) if len(spelt) >= SHORTEST)


def _places(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + len(part))


class RedactedStream:
    """A text stream for people that hides secrets; an unfinished line waits for its end, or for a flush."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._waiting = ""

    def write(self, text: str) -> int:
        """Pass on whole lines; returns the number of characters taken."""
        whole = self._waiting + text
        end = max(whole.rfind("\n"), whole.rfind("\r")) + 1
        self._waiting = whole[end:]
        if end:
            self.stream.write(redacted(whole[:end]))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what waits."""
        if self._waiting:
            self.stream.write(redacted(self._waiting))
            self._waiting = ""
        self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard() -> None:
    """Let everything that this process says be redacted, tracebacks and other libraries' warnings included."""
    learn(sys.argv)
    sys.stdout, sys.stderr = (cast("TextIO", RedactedStream(stream)) for stream in (sys.stdout, sys.stderr))


def as_it_is(stream: TextIO) -> TextIO:
    """The stream behind it, for answers to a user's own rows: they are data, and data are never altered."""
    return stream.stream if isinstance(stream, RedactedStream) else stream
