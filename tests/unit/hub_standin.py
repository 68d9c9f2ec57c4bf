"""A Hub on loopback with a few data sets of one commit each: as much of its protocol as `datasets` asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34
Repositories = Mapping[str, Mapping[str, bytes]]  # name -> path -> content


class Answers(BaseHTTPRequestHandler):
    """Information about a data set, the list of its files, and the files."""

    server: Standin

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *values: object) -> None:
        """Nothing: the output belongs to the tests."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        code, headers, content = 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        for name, files in self.server.repositories.items():
            if path.startswith((f"/api/datasets/{name}", f"/datasets/{name}/")):
                code, headers, content = self._of(name, files, path)
        self.send_response(code)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _of(self, name: str, files: Mapping[str, bytes], path: str) -> tuple[int, dict[str, str], bytes]:
        absent = 404, {"X-Error-Code": "EntryNotFound"}, b"{}"
        if "/resolve/" in path:
            file = path.partition(f"/resolve/{COMMIT}/")[2]
            return (200, {"ETag": f'"{file}"', "X-Repo-Commit": COMMIT}, files[file]) if file in files else absent
        if "/tree/" in path:
            if path.rpartition("/")[2] != COMMIT:  # of a folder inside, and there are none
                return absent
            entries = [{"type": "file", "path": file, "size": len(content), "oid": "0" * 40} for file, content in files.items()]
            return 200, {}, json.dumps(entries).encode()
        told = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files], "tags": [], "downloads": 0,
                "private": False, "cardData": {"license": ["mit"]}}
        return 200, {}, json.dumps(told).encode()


class Standin(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self, repositories: Repositories) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.repositories = repositories


@contextmanager
def serving(repositories: Repositories) -> Iterator[str]:
    """The address for HF_ENDPOINT."""
    with Standin(repositories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
