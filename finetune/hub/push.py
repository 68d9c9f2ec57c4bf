"""One commit with everything, whatever the line does: the remote is the old state or the new one, never between."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import redact
from finetune.errors import HubError, some
from finetune.hub import package
from finetune.hub.patience import LOGIN, Patience, patiently
from finetune.machine import hub_reachable
from finetune.write import digest

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Entries = Mapping[str, Any]  # path -> what the Hub knows of the file
NAME = re.compile(r"(?!.*(?:--|\.\.))(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where the files are now; `changed` is False where they already were."""

    address: str
    commit: str
    changed: bool


def connect(repo: str, *, say: Callable[[str], None], patience: Patience = PATIENCE) -> Repository:
    """The repository of that name, of the token's owner where it names none; nothing is made yet."""
    if not NAME.fullmatch(repo):
        raise HubError(f"--repo: {repo}", "is not the name of a repository. Allowed are letters, digits, '-', '_' and "
                                          "'.', with an owner before the name. Write for example --repo me/my-model.")
    if not hub_reachable():
        raise HubError("push", "the Hub cannot be reached (3 s, no connection, or HF_HUB_OFFLINE is set). Nothing has "
                               "left. Go online, then push again.")
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # public, though not listed

    if not sys.stderr.isatty():
        disable_progress_bars()
    token = get_token()
    if token is None:
        raise HubError("push", f"there is no token, neither in HF_TOKEN nor in the Hub's own file. {LOGIN}.")
    redact.learn([token], kind="the Hub token")
    api = HfApi(token=token)
    if "/" not in repo:
        owner = patiently(lambda: str(api.whoami()["name"]), f"push: {repo}", say=say, patience=patience)
        repo = f"{owner}/{repo}"
    return Repository(api, repo, say, patience)


@dataclass(frozen=True, slots=True)
class Repository:
    """A model repository on the Hub."""

    api: HfApi
    name: str
    say: Callable[[str], None]
    patience: Patience

    def make(self, *, private: bool) -> bool:
        """Create it, unless it is there; returns whether it is private. Raises HubError where it cannot be."""
        def create() -> bool:
            self.api.create_repo(self.name, private=private or None, exist_ok=True)
            return bool(self.api.repo_info(self.name).private)

        is_private = patiently(create, f"push: {self.name}", say=self.say, patience=self.patience)
        if private and not is_private:
            raise HubError(f"--private: {self.name}", "is there already, and public. Nothing has left. Make it private "
                                                      "in its settings, or leave --private out.")
        return is_private

    def push(self, files: Mapping[str, Path], message: str) -> Pushed:
        """Make it hold these files, in one commit that also takes away what an older push left besides."""
        seen: list[str] = []

        def attempt() -> Pushed:
            commit, entries = self._state()
            seen.append(commit)
            changed, gone = _changed(files, entries), package.stale(files, entries)
            if not changed and not gone:  # also where the answer to our own commit was lost on the way
                return Pushed(f"{self.api.endpoint}/{self.name}/commit/{commit}", commit, commit != seen[0])
            if commit != seen[0]:
                raise HubError(f"push: {self.name}", f"somebody else has changed it meanwhile (commit {commit[:12]}). "
                                                     "Nothing of this push is in it. Look at it, then push again.")
            return self._commit({path: files[path] for path in changed}, gone, message=message, parent=commit)

        return patiently(attempt, f"push: {self.name}", say=self.say, patience=self.patience)

    def _commit(self, changed: Mapping[str, Path], gone: list[str], *, message: str, parent: str) -> Pushed:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        adds = [CommitOperationAdd(path, str(file)) for path, file in changed.items()]
        deletes = [CommitOperationDelete(path, is_folder=False) for path in gone]
        made = self.api.create_commit(self.name, [*adds, *deletes], commit_message=message, parent_commit=parent)
        differing = _changed(changed, self._state(made.oid)[1])
        if differing:
            raise HubError(f"push: {self.name}", f"the Hub took commit {made.oid[:12]}, but it holds other content in "
                                                 f"{some(differing)}. If a .gitignore there names them, take it "
                                                 "away; then push again.")
        return Pushed(str(made.commit_url), made.oid, changed=True)

    def _state(self, revision: str | None = None) -> tuple[str, Entries]:
        commit = str(self.api.repo_info(self.name, revision=revision).sha)
        tree = self.api.list_repo_tree(self.name, recursive=True, revision=commit)
        return commit, {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}


def _changed(files: Mapping[str, Path], entries: Entries) -> list[str]:
    """The paths whose content the repository does not hold."""
    return [path for path, file in files.items() if path not in entries or not _same(file, entries[path])]


def _same(file: Path, entry: Any) -> bool:
    if entry.lfs is not None:
        return bool(digest(file) == entry.lfs.sha256)
    content = file.read_bytes()
    return bool(hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == entry.blob_id)  # git's own name
