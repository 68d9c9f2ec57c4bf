"""Forty made-up secrets on every road by which one gets into a run: none is in a file or a word that we leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from finetune import redact
from finetune.backbones import tiny
from tests.conftest import sample_words
from tests.hub import standin, store
from tests.hub.canaries import KINDS, letters
from tests.unit import loopback

pytestmark = pytest.mark.slow
PLACE = loopback.environment(HF_HUB_OFFLINE="1")
FORGED = list(KINDS)[:10]


@dataclass(frozen=True)
class Canary:
    """A secret, and how it gets into a process: its arguments, its environment, or a recipe's code."""

    secret: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    recipe: str = ""


def spelt(kind: str, seed: int) -> tuple[str, str]:
    return KINDS[kind](seed)


def overrides() -> list[Canary]:
    """Settings: known keys of every type, an unknown one, and one without a value."""
    before = ["model.name=", "data.files.train=/data/", "output_dir=runs/", "train.lr=", "hub.token=", "", "data.columns.text=",
              "clean.duplicates=", "data.sample=", "model.revision="]
    found = []
    for number, (start, kind) in enumerate(zip(before, FORGED, strict=True)):
        secret, text = spelt(kind, 100 + number)
        found.append(Canary(secret, ("run", "sentiment", f"{start}{text}")))
    return found


def addresses() -> list[Canary]:
    """Passwords and signatures in addresses: as rows, backbone, endpoint, proxy, run and repository."""
    secrets = [letters(16, 200 + number) + "-7" for number in range(10)]
    closed, hub = loopback.closed(), ("run", "sentiment", "data.source=hub")
    made: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("run", "sentiment", f"data.files.train=https://me:{secrets[0]}@hub.example/rows.csv"), {}),
        (("run", "sentiment", f"data.files.train=s3://key:{secrets[1]}@bucket/rows.csv", "train.lr=much"), {}),
        (("run", "sentiment", f"data.files.train=https://hub.example/rows.csv?token={secrets[2]}"), {}),
        (("run", "sentiment", f"data.files.train=https://s3.example/rows.csv?X-Amz-Signature={secrets[3]}"), {}),
        (("run", "sentiment", f"model.name=https://me:{secrets[4]}@hub.example/me/model"), {}),
        (("run", "images", f"data.images=https://me:{secrets[5]}@hub.example/pictures.zip"), {}),
        (hub, {"HF_ENDPOINT": f"http://me:{secrets[6]}@127.0.0.1:{closed}", "HF_HUB_OFFLINE": "0"}),
        (hub, {"HF_ENDPOINT": f"http://me:{secrets[7]}@HOST", "HF_HUB_OFFLINE": "0"}),  # one that answers
        (("predict", f"https://me:{secrets[8]}@hub.example/run", "text"), {}),
        (("push", "runs", "--repo", f"https://me:{secrets[9]}@hub.example/model"), {"HF_TOKEN": "none"}),
    ]
    return [Canary(secret, arguments, place) for secret, (arguments, place) in zip(secrets, made, strict=True)]


def crashes() -> list[Canary]:
    """A recipe's code that breaks, warns or logs with a secret in its words, caught by us or not."""
    head = "import logging, os, sys, threading, warnings\nclass Crash(BaseException): pass\ndef recipe() -> None:\n    "
    bodies = ["raise ValueError('no access with {}')", "raise Crash('no access with {}')", "raise Crash(repr(os.environ))",
              "raise Crash(['{}', {{'key': '{}'}}])", "raise Crash() from ValueError('{}')", "warnings.warn('{}')",
              "logging.error('%s', '{}')", "threading.Thread(target=lambda: 1 / len('{}'[:0])).start()", "print('{}', file=sys.stderr)",
              "print('{}'); sys.exit('{}')"]
    found = []
    for number, (body, kind) in enumerate(zip(bodies, FORGED, strict=True)):
        secret, text = spelt(kind, 300 + number)
        code = head + body.replace("{}", text.replace("\n", "\\n")).replace("{{", "{").replace("}}", "}") + "\n"
        found.append(Canary(secret, ("show", "recipes/broken.py"), {"BROKEN_PASSWORD": secret}, code))
    return found


def said(canary: Canary, cwd: Path) -> str:
    """What the process says in all, and every byte that it leaves besides the recipe that was planted."""
    if canary.recipe:
        (cwd / "recipes").mkdir()
        (cwd / "recipes/broken.py").write_text(canary.recipe)
    with standin.serving() as server:
        place = {name: value.replace("HOST", server.address.removeprefix("http://")) for name, value in canary.environment.items()}
        done = subprocess.run([sys.executable, "-B", "-m", "finetune", *canary.arguments], cwd=cwd, capture_output=True, text=True,
                              env=PLACE | place | {"HF_HOME": str(cwd / "hf"), "COLUMNS": "80"}, timeout=120)
    assert done.returncode != 0 and (done.stdout + done.stderr).strip()
    left = [file.read_bytes() for file in cwd.rglob("*") if file.is_file() and file.suffix != ".py"]
    return done.stdout + done.stderr + b"\n".join(left).decode("latin-1")


PLANTED = {"override": overrides(), "address": addresses(), "crash": crashes()}
CASES = [pytest.param(canary, id=f"{road}-{number}") for road, canaries in PLANTED.items() for number, canary in enumerate(canaries)]


@pytest.mark.parametrize("canary", CASES)
def test_secret_is_in_no_word_and_no_file(canary: Canary, tmp_path: Path) -> None:
    found = said(canary, tmp_path)
    for spelling in redact.spellings(canary.secret):
        assert spelling not in found
    assert not list(tmp_path.glob("runs/*/*/recipe.json"))  # what cannot be kept was not begun


ENVIRONMENT = {
    "HF_TOKEN": store.TOKEN, "OPENAI_API_KEY": spelt("OpenAI", 400)[0], "AWS_SECRET_ACCESS_KEY": letters(39, 401) + "/",
    "GITHUB_TOKEN": spelt("GitHub", 402)[0], "DATABASE_URL": f"postgres://me:{letters(14, 403)}-7@db.example/rows",
    "PGPASSWORD": letters(14, 404), "WANDB_API_KEY": letters(40, 405, "0123456789abcdef"), "SLACK_BOT_TOKEN": spelt("Slack", 406)[0],
    "DEPLOY_CREDENTIALS": '{"user": "me", "password": "' + letters(16, 407) + '"}', "SIGNING_KEY": spelt("private key", 408)[1],
}


def test_secrets_of_the_environment_are_in_no_byte_of_a_whole_run_and_its_push(tmp_path: Path) -> None:
    backbone = tiny.write("bert", tmp_path / "backbone", words=sample_words())
    settings = ["data.source=sample", f"model.name={backbone}", "train.length=10steps", "train.evaluate_every=5steps",
                "train.precision=fp32", "train.threads=1"]
    with standin.serving() as server:
        place = PLACE | ENVIRONMENT | {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}
        words = ""
        for arguments in (["run", "sentiment", *settings], ["push", "runs/sentiment/last", "--repo", "me/tone"]):
            done = subprocess.run([sys.executable, "-m", "finetune", *arguments], cwd=tmp_path, env=place, capture_output=True,
                                  text=True, timeout=300)
            assert done.returncode == 0, done.stdout + done.stderr
            words += done.stdout + done.stderr
        remote = server.store.repositories["models", "me/tone"].head.files
    left = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()] + [*remote.values(), words.encode()]
    assert len(left) > 60
    for value in ENVIRONMENT.values():
        for secret in {value, *value.split('"'), value.partition("me:")[2].partition("@")[0], *value.splitlines()}:
            if len(secret) >= redact.SHORTEST and "PRIVATE KEY" not in secret and secret not in ("password",):
                assert not [content for content in left if secret.encode() in content]


def test_forty_secrets_are_planted() -> None:
    assert {road: len(canaries) for road, canaries in PLANTED.items()} == {"override": 10, "address": 10, "crash": 10}
    assert len(ENVIRONMENT) == 10
    secrets = [canary.secret for canaries in PLANTED.values() for canary in canaries] + list(ENVIRONMENT.values())
    assert len(set(secrets)) == 40
    for canary in (canary for canaries in PLANTED.values() for canary in canaries):
        assert canary.secret in " ".join((*canary.arguments, *canary.environment.values(), canary.recipe))
    assert not set(ENVIRONMENT) & {name for name in os.environ if name == "HF_TOKEN"}
