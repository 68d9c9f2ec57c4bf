"""The requests that the stand-in for the Hub answers, one method each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import yaml

from tests.hub.store import USERS, Refusal, Repository, blob, is_large, oid, sha256

if TYPE_CHECKING:
    from tests.hub.standin import Standin

KIND, NAME = r"/api/(?P<kind>models|datasets)", r"/(?P<name>[\w.-]+/[\w.-]+)"
GIT = r"(?:/(?P<kind>datasets))?" + NAME
ROUTES = [(method, re.compile(pattern), answer) for method, pattern, answer in (
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("POST", KIND + NAME + r"/preupload/(?P<rev>[^/]+)", "preupload"),
    ("POST", KIND + NAME + r"/commit/(?P<rev>[^/]+)", "commit"),
    ("POST", KIND + NAME + r"/paths-info/(?P<rev>[^/]+)", "paths"),
    ("GET", KIND + NAME + r"/tree/(?P<rev>[^/]+)(?:/(?P<path>.+))?", "tree"),
    ("GET", KIND + NAME + r"/refs", "refs"),
    ("GET", KIND + NAME + r"(?:/revision/(?P<rev>[^/]+))?", "info"),
    ("POST", GIT + r"\.git/info/lfs/objects/batch", "batch"),
    ("POST", GIT + r"\.git/info/lfs/verify", "verify"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "upload"),
    ("GET", r"/lfs/(?P<oid>[0-9a-f]{64})", "download"),
    ("GET", GIT + r"/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
)]


class Answer(NamedTuple):
    """Status, headers and body of a response."""

    status: int
    body: Any = b""  # bytes, or a value to send as JSON
    headers: Mapping[str, str] = {}


class Answers(BaseHTTPRequestHandler):
    """One request: perhaps a fault, else the method that its route names."""

    server: Standin

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *values: object) -> None:
        """Nothing: the output belongs to the tests."""

    def _serve(self) -> None:
        fault = self.server.fault(f"{self.command} {urlsplit(self.path).path}")
        length = int(self.headers.get("Content-Length") or 0)
        if fault.cut == "request":
            self.rfile.read(length // 2)
            self.connection.close()
            return
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            return  # the client went away; nothing was done
        if fault.status:
            waits = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            answer = Answer(fault.status, {"error": "a fault of the stand-in"}, waits)
        else:
            answer = self._answer()
        if fault.cut == "done":
            self.connection.close()
        else:
            self._send(answer, cut=fault.cut == "answer")

    def _send(self, answer: Answer, *, cut: bool) -> None:
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for key, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)

    def _answer(self) -> Answer:
        path = unquote(urlsplit(self.path).path)
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, name in ROUTES:
            match = pattern.fullmatch(path) if wanted == method else None
            if match:
                found = {key: value for key, value in match.groupdict().items() if value is not None}
                try:
                    answer: Callable[..., Answer] = getattr(self, f"_{name}")
                    return answer(**found)
                except Refusal as refusal:
                    codes = {"X-Error-Code": refusal.code} if refusal.code else {}
                    return Answer(refusal.status, {"error": str(refusal)}, {"X-Error-Message": str(refusal), **codes})
        return Answer(404, {"error": "Not Found"}, {"X-Error-Code": "EntryNotFound"})

    @property
    def _user(self) -> str | None:
        """Who asks; None without a token."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in USERS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return USERS.get(token)

    def _writable(self, name: str) -> Repository:
        found = self.server.store.repository("models", name, self._user)
        if self._user is None:
            raise Refusal(401, "Invalid username or password.")
        if self._user != name.partition("/")[0]:
            raise Refusal(403, "You don't have the rights to push to this repository")
        return found

    def _whoami(self) -> Answer:
        if self._user is None:
            raise Refusal(401, "Invalid username or password.")
        return Answer(200, {"type": "user", "name": self._user, "orgs": [], "auth": {"type": "access_token"}})

    def _create(self) -> Answer:
        asked, user = json.loads(self.body), self._user
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if asked.get("organization") not in (None, user):
            raise Refusal(403, f"You don't have the rights to create a model under the namespace {asked['organization']!r}")
        name = f"{user}/{asked['name']}"
        told = {"url": f"{self.server.address}/{name}", "name": name}
        if self.server.store.create(name, private=bool(asked.get("private"))):
            return Answer(200, told)
        return Answer(409, {"error": "You already created this model repo", **told})

    def _validate(self) -> Answer:
        front = json.loads(self.body)["content"].split("---\n")[1]
        if not isinstance(yaml.safe_load(front), dict):
            return Answer(400, {"errors": [{"message": "the front matter is no mapping"}], "warnings": []})
        return Answer(200, {"errors": [], "warnings": []})

    def _preupload(self, kind: str, name: str, rev: str) -> Answer:
        head = self._writable(name).at(rev).files
        told = [{"path": file["path"], "uploadMode": "lfs" if is_large(file["path"]) else "regular", "shouldIgnore": False,
                 "oid": oid(file["path"], head[file["path"]]) if file["path"] in head else None}
                for file in json.loads(self.body)["files"]]
        return Answer(200, {"files": told})

    def _batch(self, name: str, kind: str = "models") -> Answer:
        self._writable(name)
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            actions = {"upload": {"href": f"{self.server.address}/lfs/{wanted['oid']}"},
                       "verify": {"href": f"{self.server.address}/{name}.git/info/lfs/verify"}}
            objects.append(wanted if wanted["oid"] in self.server.store.objects else {**wanted, "actions": actions})
        return Answer(200, {"transfer": "basic", "objects": objects})

    def _upload(self, oid: str) -> Answer:
        self.server.store.upload(oid, self.body)
        return Answer(200)

    def _verify(self, name: str, kind: str = "models") -> Answer:
        asked = json.loads(self.body)
        content = self.server.store.objects.get(asked["oid"])
        if content is None or len(content) != asked["size"]:
            raise Refusal(422, "the object is not there")
        return Answer(200, {})

    def _commit(self, kind: str, name: str, rev: str) -> Answer:
        commit = self.server.store.commit(self._writable(name), self.body.splitlines())
        return Answer(200, {"commitUrl": f"{self.server.address}/{name}/commit/{commit.sha}", "commitOid": commit.sha, "success": True})

    def _info(self, kind: str, name: str, rev: str = "main") -> Answer:
        repository = self.server.store.repository(kind, name, self._user)
        commit = repository.at(rev)
        card = commit.files.get("README.md", b"").decode().split("---\n")
        return Answer(200, {
            "_id": sha256(name.encode())[:24], "id": name, "modelId": name, "sha": commit.sha, "private": repository.private,
            "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            "cardData": yaml.safe_load(card[1]) if len(card) > 2 else None})

    def _refs(self, kind: str, name: str) -> Answer:
        head = self.server.store.repository(kind, name, self._user).head
        return Answer(200, {"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head.sha}], "converts": [], "tags": []})

    def _tree(self, kind: str, name: str, rev: str, path: str = "") -> Answer:
        files = self.server.store.repository(kind, name, self._user).at(rev).files
        start = f"{path}/" if path else ""
        inside = {file: content for file, content in files.items() if file.startswith(start)}
        if not inside:
            raise Refusal(404, f"{path} does not exist on {rev}", "EntryNotFound")
        if "recursive=true" in self.path.lower():
            return Answer(200, [_entry(file, content) for file, content in sorted(inside.items())])
        names = sorted({start + file.removeprefix(start).partition("/")[0] for file in inside})
        return Answer(200, [_entry(entry, files[entry]) if entry in files else _folder(entry) for entry in names])

    def _paths(self, kind: str, name: str, rev: str) -> Answer:
        files = self.server.store.repository(kind, name, self._user).at(rev).files
        paths = json.loads(self.body)["paths"]
        found = [_entry(path, files[path]) for path in paths if path in files]
        found += [_folder(path) for path in paths if any(file.startswith(f"{path}/") for file in files)]
        return Answer(200, found)

    def _resolve(self, name: str, rev: str, path: str, kind: str = "models") -> Answer:
        commit = self.server.store.repository(kind, name, self._user).at(rev)
        if path not in commit.files:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        content = commit.files[path]
        told = {"X-Repo-Commit": commit.sha, "ETag": f'"{oid(path, content)}"', "Accept-Ranges": "bytes"}
        if not is_large(path):
            return self._part(content, told)
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": told["ETag"]}
        elsewhere = self.server.address.replace("127.0.0.1", "localhost")  # contents lie on another host, as on the Hub
        return Answer(302, b"", {**told, **linked, "Location": f"{elsewhere}/lfs/{sha256(content)}"})

    def _download(self, oid: str) -> Answer:
        if oid not in self.server.store.objects:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        return self._part(self.server.store.objects[oid], {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})

    def _part(self, content: bytes, headers: Mapping[str, str]) -> Answer:
        """The whole, or what a `Range: bytes=A-B` asks for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked:
            return Answer(200, content, headers)
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        told = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        return Answer(206, content[first : last + 1], {**headers, **told})


def _entry(path: str, content: bytes) -> dict[str, Any]:
    told = {"type": "file", "path": path, "size": len(content), "oid": blob(content)}
    pointer = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
    return {**told, "lfs": pointer} if is_large(path) else told


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": blob(path.encode())}
