"""Whether the changes that a user names exist."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.errors import nearest


def problems(names: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """The names of `task.augmentations` that do not exist, or stand there twice."""
    found = [f"task.augmentations: there is no augmentation {name!r}. Allowed: {', '.join(allowed)}, or none."
             f"{nearest(name, allowed)}" for name in dict.fromkeys(names) if name not in allowed]
    return found + [f"task.augmentations: {name!r} is in the list more than once. Name every change once."
                    for name in dict.fromkeys(names) if name in allowed and names.count(name) > 1]
