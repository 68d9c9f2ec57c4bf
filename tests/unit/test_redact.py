"""What is taken for a secret, what is not, and that nothing of one is let through."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from finetune import redact
from tests.hub.canaries import KINDS, letters


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What one test tells is forgotten in the next."""
    monkeypatch.setattr(redact, "_told", {})
    yield


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("around", ["{}", "before {} after", "'{}'", "x={}\n", '{{"notes": ["{}"]}}', "({}).", "line\n  {}\nline"])
def test_every_shape_is_hidden_wherever_it_stands(kind: str, around: str) -> None:
    secret, text = KINDS[kind](1)
    found = redact.redacted(around.format(text))
    assert secret not in found
    assert redact.HIDDEN in found
    assert len(redact.find(around.format(text))) >= 1


def test_what_surrounds_a_secret_stays() -> None:
    assert redact.redacted("from https://me:hunter2-7@hub.example/x?a=1 to") == "from https://[hidden]@hub.example/x?a=1 to"
    assert redact.redacted("db_password=correct-horse, then") == "db_password=[hidden], then"
    assert redact.redacted('{"api_key": "abcd-efgh-7", "lr": 1}') == '{"api_key": "[hidden]", "lr": 1}'


@pytest.mark.parametrize("text", [
    "the pad_token is [PAD], cls_token: [CLS]", '"eos_token": "<|endoftext|>"', '"bos_token": "<s>"', '"sep_token": "sep_token_1"',
    "task.max_tokens=12345678", '"password": 20786,', '"token": 19204512', '"token": 0.981234567, "x": 1', "token: position in the text",
    "password: required", "a secret of success", "secret: something", "api_key=YOUR", "scikit-learn-based-classifiers",
    "https://huggingface.co/settings/tokens", "http://127.0.0.1:8080/me@home", "mailto:me@example.org", "git@github.com:me/x.git",
    "20261121-223154-da933c", "e26b00197275e307af4f9afaf5bef0dddbe6f2f0", "data.columns.text=review", "sk-learn", "TOKENIZERS_PARALLELISM=false",
    "set HF_TOKEN or call `hf auth login`", "HF_TOKEN=", "train.csv:1204: column 'label' is empty", "--token TEXT",
    'special_tokens": {"[CLS]": {"id": "[CLS]", "tokens": ["[CLS]"]}}', "a key: value pair", "the password=value form", "00:01:02@5",
])
def test_plain_words_are_left_alone(text: str) -> None:
    assert redact.redacted(text) == text


@pytest.mark.parametrize("name", ["HF_TOKEN", "DB_PASSWORD", "PGPASSWORD", "MY_SECRET_KEY", "OPENAI_KEY", "MYSQL_PWD", "client_secret",
                                  "AWS_SECRET_ACCESS_KEY", "GH_PAT", "BASIC_AUTH", "APIKEY", "NPM_CONFIG_AUTHTOKEN"])
def test_values_of_variables_that_sound_secret_are_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = letters(12, 3) + "_7"
    monkeypatch.setenv(name, value)
    assert redact.redacted(f"x{value}y") == "x[hidden]y"
    assert [finding.kind for finding in redact.find(value)] == [f"the value of the environment variable {name}"]


@pytest.mark.parametrize(("name", "value"), [
    ("TOKENIZERS_PARALLELISM", "disabled1"), ("SOME_AUTH", "disabled"), ("PWD", "/home/me/project-7"), ("OLDPWD", "/home/me/project-7"), ("SHORT_TOKEN", "abc-123"),
    ("SSH_AUTH_SOCK", __file__), ("KEYBOARD_LAYOUT", "dvorak-7"), ("MONKEY", "bananas-7"), ("LANG", "en_GB.UTF-8"),
])
def test_values_of_other_variables_are_not(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert redact.redacted(value) == value


def test_password_of_an_address_in_the_environment_is_known_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://me:pass%2Fword-7@127.0.0.1:1")
    assert redact.redacted("host me, pass%2Fword-7, pass/word-7.") == "host me, [hidden], [hidden]."


def test_secret_is_found_in_every_spelling() -> None:
    secret = "a\"b\\c&d<e>'f/g h\u00fc-7"
    redact.learn([secret], kind="a test")
    for spelt in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret), *redact.spellings(secret)):
        assert not redact.redacted(spelt).strip("\"'").replace(redact.HIDDEN, "")


def test_what_is_learnt_from_an_argument_is_hidden_in_any_other_form() -> None:
    redact.learn(["data.files.train=s3://me:sesame-opens@bucket/rows.csv"])
    assert redact.redacted("no file s3:/me:sesame-opens@bucket/rows.csv: user me, sesame-opens") == (
        "no file s3:/[hidden]@bucket/rows.csv: user me, [hidden]")


def test_overlapping_findings_leave_nothing_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "hf_" + letters(34, 5)
    monkeypatch.setenv("MY_TOKEN", token[4:20])
    assert redact.redacted(f"password={token}") == "password=[hidden]"


def test_stream_hides_what_comes_in_pieces() -> None:
    behind = io.StringIO()
    words, token = redact.RedactedStream(behind), "hf_" + letters(34, 6)
    for piece in ("the tok", "en ", token[:9], token[9:], " is it\nnext"):
        words.write(piece)
    assert behind.getvalue() == "the token [hidden] is it\n"
    words.flush()
    assert behind.getvalue() == "the token [hidden] is it\nnext"


def test_stream_is_otherwise_the_one_behind_it() -> None:
    behind = io.StringIO()
    words = redact.RedactedStream(behind)
    assert (words.isatty(), words.closed) == (False, False)
    words.writelines(["a\n", "b\n"])
    assert behind.getvalue() == "a\nb\n"
    assert redact.as_it_is(words) is behind  # type: ignore[arg-type]  # a stream in all that counts
    assert redact.as_it_is(behind) is behind
