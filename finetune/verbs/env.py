"""`finetune env`."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
import textwrap
from importlib import metadata
from pathlib import Path

from finetune import __version__, machine
from finetune.errors import some

EXAMPLE = "finetune env"

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "locks" / "default.txt"
# Shown with their value, since it is a plain setting; of the others only that they are set, since theirs may be a
# secret or a path with somebody's name in it.
SHOWN = ("CUDA_VISIBLE_DEVICES", "HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM",
         "TRANSFORMERS_OFFLINE")
NAMED = ("HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HTTPS_PROXY", "HTTP_PROXY", "PYTHONPATH", "SSL_CERT_FILE")
PLAIN = re.compile(r"[\w.,:-]{0,20}", re.ASCII)
WIDTH = 78


def verb() -> None:
    """Facts about this machine, ready to be pasted into an issue."""
    print("```")
    for name, text in facts().items():
        print(textwrap.fill(f"{name:16}{text}", WIDTH, subsequent_indent=" " * 16, break_on_hyphens=False,
                            break_long_words=False))
    print("```")


def facts() -> dict[str, str]:
    """Name and value of every line; no secret, no user name and no path is among them."""
    described = machine.describe()
    commit = machine.commit(ROOT) if (ROOT / ".git").exists() else None
    versions = {name: version for name, version in machine.versions().items() if name != "finetune"}
    return {
        "finetune": f"{__version__} ({f'commit {commit}' if commit else 'no working copy'})",
        "python": f"{described['python']} ({'virtual environment' if sys.prefix != sys.base_prefix else 'no venv'})",
        "system": platform.platform(),
        "processor": f"{described['cpu']}, {described['cores']} cores, {described['memory_gib']} GiB memory, "
                     f"{' '.join(described['flags']) or 'none of the flags that matter'}",
        "accelerators": _accelerators(),
        "disk": f"{shutil.disk_usage('.').free / 2**30:.0f} GiB free here",
        "hub": "reachable" if machine.hub_reachable() else f"not reachable within {machine.PROBE_SECONDS:.0f} s",
        "offline copies": _copies(),
        "lock": lock_state(LOCK),
        "environment": _environment() or "nothing set that matters",
        "packages": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _accelerators() -> str:
    """What the driver reports and, since the two may differ, what torch sees; torch is loaded for devices alone."""
    found = machine.accelerators()
    if not (found or sys.platform == "darwin"):
        return "none"
    if importlib.util.find_spec("torch") is None:
        return f"{'; '.join(found)}; torch is not installed"
    from finetune.run.context import devices

    return "; ".join([*found, f"torch sees {devices()}"])


def _copies() -> str:
    from finetune.backbones.resolve import COPIES

    return ", ".join(f"{name} {'found' if importlib.util.find_spec(copy.package) else 'not installed'}"
                     for name, copy in COPIES.items())


def lock_state(lock: Path) -> str:
    """Whether the installed packages are those of a lock file, and the first that are not."""
    if not lock.is_file():
        return "no lock file here, so this is no working copy"
    pinned = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    differ = [difference for name, version in pinned.items() if (difference := _difference(name, version))]
    name = f"locks/{lock.name}"
    if not differ:
        return f"all {len(pinned)} packages are as in {name}"
    return f"{len(differ)} of {len(pinned)} packages are not as in {name}: {some(differ, 8)}"


def _difference(name: str, version: str) -> str | None:
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    return None if found == version else f"{name} {found} instead of {version}"


def _environment() -> str:
    shown = [f"{name}={value if PLAIN.fullmatch(value) else '(not shown)'}" for name in SHOWN
             if (value := os.environ.get(name)) is not None]
    named = [name for name in NAMED if os.environ.get(name) or os.environ.get(name.lower())]
    return ", ".join([*shown, *(f"{name} is set" for name in named)])
