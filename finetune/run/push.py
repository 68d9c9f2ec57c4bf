"""A finished run to the Hub: what leaves is gathered, looked through for secrets, shown, and sent in one commit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.errors import DataError, HubError
from finetune.hub import package, scan
from finetune.report import public

if TYPE_CHECKING:
    from finetune.hub.push import Pushed, Repository
    from finetune.run.folder import RunFolder


@contextmanager
def packed(run: RunFolder, repository: str, *, examples: bool) -> Iterator[dict[str, Path]]:
    """Path in the repository -> file, for as long as the context lasts. Raises HubError where one holds a secret."""
    if run.next_stage is not None:
        name = run.read("recipe.json")["recipe"]
        raise DataError(str(run.path), f"is not finished (next stage: {run.next_stage}). "
                                       f"Go on with: finetune run {name} --resume {run.path}")
    with tempfile.TemporaryDirectory(prefix="finetune-push-") as shown:
        public.write(run.path, Path(shown), repository=repository, examples=examples)
        files = package.gather(run.path, Path(shown))
        found = scan.problems(files)
        if found:
            listed = "\n  ".join(found)
            raise HubError("push", f"{len(found)} secret(s) found in what would leave, so nothing has left. Take "
                                   f"them out of {run.path}, revoke those that were real, then push again:\n  {listed}")
        yield files


def send(run: RunFolder, files: Mapping[str, Path], *, to: Repository) -> Pushed:
    """One commit, named after what the model reached."""
    metrics = run.read("metrics.json")
    primary, test = metrics["primary"], metrics["splits"]["test"]
    title = f"{Path(metrics['recipe']).name}: {primary} {test[primary]['value']:.4f} on {test['rows']:,} test rows"
    return to.push(files, title)


def leaving(run: RunFolder, files: Mapping[str, Path], *, examples: bool, say: Callable[[str], None]) -> None:
    """List what leaves: every file with its size, and every row that is shown."""
    width = max(map(len, files))
    for path, file in files.items():
        say(f"{path:{width}}  {_size(file.stat().st_size):>10}")
    shown = public.examples(run.path) if examples else []
    for line in shown:
        say(f"shown in report.html: {line}")
    say(f"{len(files)} files, {_size(sum(file.stat().st_size for file in files.values()))}; rows among them: "
        f"{len(shown) or 'none'}")


def _size(number: int) -> str:
    return f"{number / 2**20:,.1f} MiB" if number >= 2**20 else f"{number / 2**10:,.1f} KiB"
