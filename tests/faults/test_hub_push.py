"""A Hub that refuses, asks to wait, breaks the line or is changed by others: the remote stays whole, and we say what to do."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from finetune.errors import FinetuneError, HubError
from finetune.hub import push
from finetune.hub.patience import Patience
from finetune.hub.push import Pushed
from finetune.machine import hub_reachable
from tests.hub import standin, store
from tests.hub.standin import Fault
from tests.unit import loopback

NUM_PUSHES, SHARE = 50, 0.12
EAGER = Patience(attempts=6, first_wait_s=0.01, longest_wait_s=2.0)
COMMIT = "POST /api/models/me/tone/commit/main"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[standin.Standin]:
    """A stand-in that this process takes for the Hub, with a token that may write below `me`."""
    with standin.serving() as server:
        for name, value in {"HF_ENDPOINT": server.address, "HF_TOKEN": store.TOKEN, "HF_HOME": str(tmp_path / "hf")}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.address)  # read from HF_ENDPOINT on import
        hub_reachable.cache_clear()
        yield server
    hub_reachable.cache_clear()


def package(folder: Path, version: str, *, large: bool = True) -> dict[str, Path]:
    """Files of the kinds that a run has: texts that go into the commit, weights that go through LFS."""
    contents = {"README.md": f"---\ntags: [{version}]\n---\n", "config.json": f'{{"version": "{version}"}}'}
    contents |= {"model.safetensors": version * 5000, "onnx/model.onnx": version * 3000} if large else {}
    if version.endswith(("0", "5")):
        contents["onnx/int8/model.onnx"] = version * 1000  # an older push may leave what the next one does not bring
    files = {path: folder / version / path for path in contents}
    for path, content in contents.items():
        files[path].parent.mkdir(parents=True, exist_ok=True)
        files[path].write_text(content)
    return files


def content(files: dict[str, Path]) -> dict[str, bytes]:
    return {path: file.read_bytes() for path, file in files.items()}


def held(hub: standin.Standin, name: str = "me/tone") -> dict[str, bytes]:
    """What the remote holds, without the Hub's own file."""
    return {path: found for path, found in hub.store.repositories["models", name].head.files.items() if path != ".gitattributes"}


def pushed(files: dict[str, Path], said: list[str] | None = None, *, repo: str = "me/tone", private: bool = False) -> Pushed:
    to = push.connect(repo, say=(said if said is not None else []).append, patience=EAGER)
    to.make(private=private)
    return to.push(files, "a push")


def test_first_push_makes_the_repository_and_one_commit(hub: standin.Standin, tmp_path: Path) -> None:
    files = package(tmp_path, "v1")
    found = pushed(files, private=True)
    assert found.changed and held(hub) == content(files)
    repository = hub.store.repositories["models", "me/tone"]
    assert repository.private
    assert [commit.sha for commit in repository.commits][1:] == [found.commit]


def test_name_without_an_owner_is_the_token_s_own(hub: standin.Standin, tmp_path: Path) -> None:
    pushed(package(tmp_path, "v1"), repo="tone")
    assert ("models", "me/tone") in hub.store.repositories


def test_what_an_older_push_left_is_taken_away_and_what_others_added_stays(hub: standin.Standin, tmp_path: Path) -> None:
    pushed(package(tmp_path, "v5"))
    hub.store.put("models", "me/tone", {**hub.store.repositories["models", "me/tone"].head.files, "NOTES.txt": b"theirs"})
    files = package(tmp_path, "v6")
    pushed(files)
    assert held(hub) == content(files) | {"NOTES.txt": b"theirs"}


def test_only_what_has_changed_is_sent(hub: standin.Standin, tmp_path: Path) -> None:
    files = package(tmp_path, "v1")
    pushed(files)
    hub.asked.clear()
    files["config.json"].write_text("{}")
    pushed(files)
    assert held(hub) == content(files)
    assert not [request for request in hub.asked if "lfs" in request]


@pytest.mark.parametrize(("setting", "repo", "words"), [
    ({"HF_TOKEN": "hf_" + "Forged" * 6}, "me/tone", "the Hub answers 401 (Invalid credentials in Authorization header)"),
    ({"HF_TOKEN": store.READER}, "me/tone", "the Hub answers 403 (You don't have the rights"),
    ({}, "them/tone", "the Hub answers 403 (You don't have the rights"),
    ({"HF_TOKEN": ""}, "me/tone", "there is no token, neither in HF_TOKEN nor in the Hub's own file."),
    ({}, "me/a tone", "--repo: me/a tone: is not the name of a repository."),
    ({}, "me/a/tone", "is not the name of a repository."),
])
def test_refusal_says_what_to_do_and_never_the_token(
    hub: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str], repo: str, words: str
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(HubError) as caught:
        pushed(package(tmp_path, "v1"), repo=repo)
    said = str(caught.value)
    assert words in said
    assert said.endswith(".") and ("HF_TOKEN" in said or "--repo" in said)
    assert not [token for token in (*store.USERS, *setting.values()) if token and token in said]
    assert hub.store.repositories == {}


def test_token_of_the_hub_s_own_file_is_used(hub: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(store.TOKEN + "\n")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert pushed(package(tmp_path, "v1")).changed


def test_repository_that_is_public_cannot_be_pushed_to_as_private(hub: standin.Standin, tmp_path: Path) -> None:
    pushed(package(tmp_path, "v1"))
    before = held(hub)
    with pytest.raises(HubError, match=r"--private: me/tone: is there already, and public. Nothing has left."):
        pushed(package(tmp_path, "v2"), private=True)
    assert held(hub) == before


def test_answer_429_is_waited_for_as_long_as_it_says(hub: standin.Standin, tmp_path: Path) -> None:
    hub.fail(COMMIT, Fault(429, "0.7"))
    said: list[str] = []
    started = time.monotonic()
    assert pushed(package(tmp_path, "v1"), said).changed
    assert time.monotonic() - started >= 0.7
    assert said == ["the Hub answers 429 (a fault of the stand-in); attempt 2 of 6 in 0.7 s"]


def test_answer_429_with_a_date_is_understood(hub: standin.Standin, tmp_path: Path) -> None:
    hub.fail(COMMIT, Fault(429, "Sat, 01 Jan 2000 00:00:00 GMT"))
    said: list[str] = []
    assert pushed(package(tmp_path, "v1"), said).changed
    assert said[0].endswith("in 0 s")


def test_wait_that_is_too_long_is_an_error_instead(hub: standin.Standin, tmp_path: Path) -> None:
    hub.fail(COMMIT, Fault(429, "3600"))
    with pytest.raises(HubError, match=r"429 .*The remote is unchanged. The Hub wants fewer requests. Push again later"):
        pushed(package(tmp_path, "v1"))
    assert held(hub) == {}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_commit_that_is_refused_for_good_leaves_the_old_state(hub: standin.Standin, tmp_path: Path, status: int) -> None:
    old = package(tmp_path, "v1")
    pushed(old)
    hub.fail(COMMIT, Fault(status), times=6)
    told = ", or holds the whole push" if status in (429, 500) else ""  # after several attempts nobody can be sure
    with pytest.raises(HubError, match=rf"push: me/tone: the Hub answers {status} .*The remote is unchanged{told}\."):
        pushed(package(tmp_path, "v2"))
    assert held(hub) == content(old)


@pytest.mark.parametrize("request_", ["POST /api/repos/create", "GET /api/models/me/tone$", "GET .*/tree/", "POST .*/preupload/",
                                      "POST .*/objects/batch", "PUT /lfs/", "POST .*/verify", COMMIT])
@pytest.mark.parametrize("cut", ["request", "done", "answer"])
def test_line_that_breaks_once_anywhere_is_tried_again(hub: standin.Standin, tmp_path: Path, request_: str, cut: str) -> None:
    hub.fail(request_, Fault(cut=cut))  # type: ignore[arg-type]  # one of the three
    files = package(tmp_path, "v1")
    assert pushed(files).changed
    assert hub.suffered == [Fault(cut=cut)]  # type: ignore[arg-type]  # one of the three
    assert held(hub) == content(files)
    assert len(hub.store.repositories["models", "me/tone"].commits) == 2  # a lost answer brought no second commit


def test_line_that_stays_broken_is_an_error_that_says_so(hub: standin.Standin, tmp_path: Path) -> None:
    hub.fail(COMMIT, Fault(cut="request"), times=6)
    with pytest.raises(HubError, match=r"push: me/tone: the connection failed \(.+\)\. The remote is unchanged, or holds the whole push"):
        pushed(package(tmp_path, "v1"))


def test_somebody_else_s_commit_meanwhile_is_not_overwritten(hub: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed(package(tmp_path, "v1"))
    commit, theirs = hub.store.commit, {"README.md": b"---\ntags: []\n---\ntheirs"}

    def late(repository: store.Repository, lines: list[bytes]) -> store.Commit:
        hub.store.put("models", "me/tone", theirs)
        return commit(repository, lines)

    monkeypatch.setattr(hub.store, "commit", late)
    with pytest.raises(HubError, match=r"somebody else has changed it meanwhile \(commit [0-9a-f]{12}\)\. Nothing of this push is in it"):
        pushed(package(tmp_path, "v2"))
    assert held(hub) == theirs


def test_unreachable_hub_is_told_at_once(hub: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{loopback.closed()}")
    hub_reachable.cache_clear()
    with pytest.raises(HubError, match=r"push: the Hub cannot be reached .* Nothing has left."):
        pushed(package(tmp_path, "v1"))


def test_fifty_pushes_with_random_faults_leave_a_complete_commit_each_time(
    hub: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete, tried = [dict[str, bytes]()], []
    order, done, failed = random.Random(5), 0, 0
    hub.store.create("me/tone", private=False)
    for number in range(NUM_PUSHES):
        hub.shake(SHARE, seed=number)
        files = package(tmp_path, f"v{order.choice(range(number + 1))}.{number}")
        tried.append(content(files))
        try:
            pushed(files)
            done += 1
            complete = [content(files)]
            assert held(hub) == complete[0]
        except FinetuneError as error:
            failed += 1
            assert str(error).startswith("push: me/tone: ") and str(error).endswith(".")
            complete.append(content(files))
        hub.shake(0)
        assert held(hub) in complete
    assert done + failed == NUM_PUSHES
    assert done >= NUM_PUSHES / 2
    assert len(hub.suffered) >= NUM_PUSHES
    assert {(fault.status, fault.cut) for fault in hub.suffered} == {(fault.status, fault.cut) for fault in standin.ANY_FAULT}
    for commit in hub.store.repositories["models", "me/tone"].commits[1:]:
        assert {path: found for path, found in commit.files.items() if path != ".gitattributes"} in tried
