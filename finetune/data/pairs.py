"""Two texts as one input."""

from __future__ import annotations

MIN_TOKENS = 5  # the shortest pair with a token of each text, since most backbones add three


def problems(max_tokens: int) -> list[str]:
    """What is wrong with `task.max_tokens` of a task on pairs."""
    if max_tokens >= MIN_TOKENS:
        return []
    return [f"task.max_tokens: {max_tokens} found, at least {MIN_TOKENS} are needed: one token of each text between "
            "the special ones. Use for example 128."]
