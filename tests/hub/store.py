"""What the stand-in for the Hub holds: repositories with their commits, large objects by hash, and who may write."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = "hf_" + "Standin" * 4 + "Writer"  # the shape of a real one, so that its absence from outputs means something
READER = "hf_" + "Standin" * 4 + "Reader"
USERS = {TOKEN: "me", READER: "somebody"}  # a user may write below the own name alone
LARGE = (".safetensors", ".onnx", ".parquet", ".png")  # what the Hub's .gitattributes sends through LFS

Files = Mapping[str, bytes]  # path -> content


class Refusal(Exception):  # noqa: N818  # an answer, not an accident
    """An answer with an error code."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Commit:
    """One state of a repository, complete."""

    sha: str
    parent: str | None
    message: str
    files: Files


@dataclass
class Repository:
    """Commits, oldest first; a new one appears whole or not at all."""

    private: bool = False
    commits: list[Commit] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit:
        """A commit by its hash or branch."""
        found = [commit for commit in self.commits if commit.sha == revision]
        if not found and revision != "main":
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found[0] if found else self.head


class Store:
    """All repositories by (kind, name); kind is `models` or `datasets`."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}  # by SHA-256
        self.lock = threading.Lock()

    def put(self, kind: str, name: str, files: Files, *, private: bool = False) -> str:
        """Add a commit with exactly these files, as if somebody had pushed it; returns its hash."""
        with self.lock:
            repository = self.repositories.setdefault((kind, name), Repository(private))
            return self._append(repository, "put by a test", files).sha

    def create(self, name: str, *, private: bool) -> bool:
        """A new repository with the one file that the Hub gives it; False where there is one of that name."""
        if ("models", name) in self.repositories:
            return False
        self.put("models", name, {".gitattributes": b"".join(b"*%s filter=lfs\n" % end.encode() for end in LARGE)}, private=private)
        return True

    def repository(self, kind: str, name: str, user: str | None) -> Repository:
        """A repository that a user may see; a private one is as absent for all others."""
        found = self.repositories.get((kind, name))
        if found is None or (found.private and user != name.partition("/")[0]):
            raise Refusal(401 if user is None else 404, "Repository not found", "RepoNotFound")
        return found

    def upload(self, oid: str, content: bytes) -> None:
        """Keep a large object, if it is what its name says."""
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refusal(400, "the content does not have this hash")
        self.objects[oid] = content

    def commit(self, repository: Repository, lines: Iterable[bytes]) -> Commit:
        """Apply the lines of a commit request to the head, all of them or none."""
        entries = [json.loads(line) for line in lines if line.strip()]
        header = next(entry["value"] for entry in entries if entry["key"] == "header")
        with self.lock:
            if header.get("parentCommit") not in (None, repository.head.sha):
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            files = dict(repository.head.files)
            for entry in entries:
                self._apply(files, entry["key"], entry["value"])
            return self._append(repository, header["summary"], files)

    def _apply(self, files: dict[str, bytes], key: str, value: Mapping[str, Any]) -> None:
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"], validate=True)
        elif key == "lfsFile":
            if value["oid"] not in self.objects:
                raise Refusal(400, f"{value['path']}: its object {value['oid']} was never uploaded")
            files[value["path"]] = self.objects[value["oid"]]
        elif key == "deletedFile":
            if value["path"] not in files:
                raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
            del files[value["path"]]
        elif key != "header":
            raise Refusal(400, f"unknown operation {key}")

    def _append(self, repository: Repository, message: str, files: Files) -> Commit:
        parent = repository.commits[-1].sha if repository.commits else None
        told = json.dumps([parent, message, {path: sha256(content) for path, content in sorted(files.items())}])
        commit = Commit(hashlib.sha1(told.encode()).hexdigest(), parent, message, dict(files))
        self.objects |= {sha256(content): content for path, content in files.items() if is_large(path)}
        repository.commits.append(commit)
        return commit


def is_large(path: str) -> bool:
    """Whether the Hub keeps a file in LFS."""
    return path.endswith(LARGE)


def sha256(content: bytes) -> str:
    """The name of a large object."""
    return hashlib.sha256(content).hexdigest()


def blob(content: bytes) -> str:
    """The name that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def oid(path: str, content: bytes) -> str:
    """The hash by which a client tells whether a file has changed."""
    return sha256(content) if is_large(path) else blob(content)
