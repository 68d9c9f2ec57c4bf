"""What is wrong with `task.max_tokens` and `task.overlap`, before any text is read."""

from __future__ import annotations

MIN_TEXT = 3  # the shortest input with a token of its own, since most backbones add two
MIN_PAIR = 5  # the shortest pair with a token of each text, since most backbones add three


def of_texts(max_tokens: int) -> list[str]:
    """Of a task that reads one text."""
    return _too_few(max_tokens, MIN_TEXT, "one token of text between the two special ones")


def of_pairs(max_tokens: int) -> list[str]:
    """Of a task that reads two texts as one."""
    return _too_few(max_tokens, MIN_PAIR, "one token of each text between the special ones")


def of_windows(max_tokens: int, overlap: int, *, at_least: int, usual: int) -> list[str]:
    """Of a task that reads long texts in windows; `usual` is the length that an error proposes."""
    found = []
    if max_tokens < at_least:
        found.append(f"task.max_tokens: {max_tokens} found, a window of at least {at_least} is needed. Use for example "
                     f"{usual}.")
    if not 0 <= overlap <= max_tokens // 4:
        found.append(f"task.overlap: {overlap} found, allowed is 0 to {max_tokens // 4}, a quarter of "
                     f"task.max_tokens. Use for example {max_tokens // 4}.")
    return found


def _too_few(max_tokens: int, at_least: int, why: str) -> list[str]:
    if max_tokens >= at_least:
        return []
    return [f"task.max_tokens: {max_tokens} found, at least {at_least} are needed: {why}. Use for example 128."]
