"""Made-up secrets in the shape of real ones, never the same twice."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

ALPHABET = string.ascii_letters + string.digits


def letters(number: int, seed: int, alphabet: str = ALPHABET) -> str:
    """Random characters; no two seeds give the same."""
    return "".join(random.Random(seed).choices(alphabet, k=number))


# Kind -> seed -> the secret itself, and a text that holds it.
KINDS: dict[str, Callable[[int], tuple[str, str]]] = {
    "Hub": lambda seed: _alone("hf_" + letters(34, seed)),
    "AWS": lambda seed: _alone("AKIA" + letters(16, seed, string.ascii_uppercase + string.digits)),
    "GitHub": lambda seed: _alone("ghp_" + letters(36, seed)),
    "GitHub, fine": lambda seed: _alone("github_pat_" + letters(60, seed)),
    "OpenAI": lambda seed: _alone("sk-proj-" + letters(40, seed) + "7"),
    "Anthropic": lambda seed: _alone("sk-ant-api03-" + letters(40, seed) + "7"),
    "Slack": lambda seed: _alone("xoxb-" + letters(24, seed)),
    "Google": lambda seed: _alone("AIza" + letters(35, seed)),
    "JWT": lambda seed: _alone(f"eyJ{letters(20, seed)}.eyJ{letters(30, seed + 1000)}.{letters(40, seed + 2000)}"),
    "private key": lambda seed: _key(letters(64, seed)),
    "address": lambda seed: _within("https://me:{}@hub.example/x", letters(14, seed) + "7"),
    "password": lambda seed: _within("db_password={}", letters(14, seed) + "-7"),
    "setting": lambda seed: _within('"api_key": "{}"', letters(20, seed) + "7"),
    "header": lambda seed: _within("Authorization: Bearer {}", letters(30, seed)),
}


def _alone(secret: str) -> tuple[str, str]:
    return secret, secret


def _within(text: str, secret: str) -> tuple[str, str]:
    return secret, text.format(secret)


def _key(body: str) -> tuple[str, str]:
    return body, f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
