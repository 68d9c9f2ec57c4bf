"""The locks hold what pyproject.toml asks for: hashed, without an address, recent enough, and freely licensed."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture import tree

LOCKS = sorted((tree.ROOT / "locks").glob("*.txt"))
LINES = {"default": "train", "next": "next"}  # lock -> the extra that names its library line
# The lock of this environment: licences are read from what is installed, so each is looked at where it is.
HERE = "default" if metadata.version("transformers").startswith("4.") else "next"
BY_NAME = pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)

PIN = re.compile(r"([a-z0-9-]+)==([a-z0-9.+]+) \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
REMARK = re.compile(r"# (?!.*(://|\s/)).*")

# Older ones have published holes that matter here. transformers 4.57 gets no more fixes: it is taken for Optimum's
# exporter, with two conditions that `too_old` checks and a third, no code from a model folder, in tests of backbones.
FLOORS = {"jinja2": "3.1.6", "numpy": "2", "onnx": "1.21", "pillow": "12.3", "safetensors": "0.8", "starlette": "1.3.1",
          "torch": "2.10", "transformers": "4.57.6"}
NOT_ALLOWED = {"bentoml", "nltk", "ray", "torchserve"}  # holes without a fix, or by design
SAFE_TRANSFORMERS = "5.3"

# Licences by the words in which packages state them; DESIGN allows these families and no other.
ALLOWED = {
    "MIT", "MIT License",
    "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License",
    "Apache-2.0", "Apache 2.0 License", "Apache Software License", "Apache-2.0 WITH LLVM-exception",
    "PSF-2.0", "Python Software Foundation License",
    "ISC", "ISC License (ISCL)",
    "MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)",
}
# Packages whose words are others: exactly these words, and why they may stay.
CUDA = "part of the CUDA runtime, which the registry's build of torch brings along"
EXCEPTIONS = {
    "numpy": ({"0BSD", "Zlib", "CC0-1.0"}, "small parts inside, as free as BSD"),
    "pillow": ({"MIT-CMU"}, "the MIT licence in the words of Carnegie Mellon"),
    "regex": ({"CNRI-Python"}, "a part taken from Python 1.6, under its licence of then, the forerunner of PSF"),
    "torch": ({"BSL-1.0"}, "the Boost licence of a part inside, as free as MIT; not BUSL"),
    "cleanlab": ({"a text that is no name"}, "the text of Apache 2.0 in full; a peer that benchmarks measure against"),
    "cuda-toolkit": ({""}, f"an empty package that names its parts: {CUDA}"),
    "nvidia-cublas": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-cuda-cupti": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cuda-nvrtc": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cuda-runtime": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-cudnn-cu13": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-cufft": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cufile": ({"Other/Proprietary License"}, CUDA),
    "nvidia-curand": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cusolver": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cusparse": ({"Other/Proprietary License"}, CUDA),
    "nvidia-cusparselt-cu13": ({"NVIDIA Proprietary Software"}, CUDA),
    "nvidia-nccl-cu13": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-nvjitlink": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-nvshmem-cu13": ({"LicenseRef-NVIDIA-Proprietary"}, CUDA),
    "nvidia-nvtx": ({"Other/Proprietary License"}, f"{CUDA}; its own text says Apache 2.0"),
}


def test_every_lock_on_disk_has_its_cases() -> None:
    others = {"__pycache__", "make.py"}
    assert [file.name for file in LOCKS] == sorted(path.name for path in (tree.ROOT / "locks").iterdir()
                                                   if path.name not in others)


@BY_NAME
def test_lock_is_hashed_pins_and_nothing_else(file: Path) -> None:
    assert malformed(file.read_text(encoding="utf-8")) == []


@BY_NAME
def test_no_package_of_a_lock_is_too_old_or_not_allowed(file: Path) -> None:
    assert too_old(pins(file)) == []


@BY_NAME
def test_lock_holds_every_dependency_within_its_range(file: Path) -> None:
    found = pins(file)
    wrong = [str(wanted) for wanted in dependencies(file.stem)
             if not wanted.specifier.contains(found.get(canonicalize_name(wanted.name), "0"))]
    assert not wrong


def test_what_both_locks_hold_in_the_same_version_has_the_same_hashes() -> None:
    one, other = (blocks(file) for file in LOCKS)
    same = {name for name in one.keys() & other.keys() if one[name][0] == other[name][0]}
    assert len(same) > 100  # the second environment is made from a copy of the first: `make setup ENV=next`
    assert [name for name in sorted(same) if one[name] != other[name]] == []


@pytest.mark.lines
def test_installed_packages_are_those_of_the_lock() -> None:
    found = {name: metadata.version(name) for name in pins(tree.ROOT / "locks" / f"{HERE}.txt")}
    assert found == pins(tree.ROOT / "locks" / f"{HERE}.txt")


@pytest.mark.lines
def test_installed_packages_are_freely_licensed() -> None:
    found = {name: stated(name) for name in pins(tree.ROOT / "locks" / f"{HERE}.txt")}
    wrong = {name: licences for name, licences in found.items()
             if licences - ALLOWED - EXCEPTIONS.get(name, (set(), ""))[0]}
    assert not wrong


@pytest.mark.lines
def test_every_licence_exception_is_still_needed() -> None:
    locked = pins(tree.ROOT / "locks" / f"{HERE}.txt")
    stale = [name for name, (licences, _) in EXCEPTIONS.items() if name not in locked or not licences <= stated(name)]
    assert not stale


def malformed(text: str) -> list[str]:
    """Lines that are no remark, no pin with a hash below it and no such hash: options, addresses, paths, bare pins."""
    found, continued = [], False
    for line in [*text.splitlines(), "# end"]:
        fits = HASH.fullmatch(line) if continued else PIN.fullmatch(line) or REMARK.fullmatch(line)
        if not fits:
            found.append(line)
        continued = line.endswith("\\")
    return found


def pins(file: Path) -> dict[str, str]:
    """Package and version of every pin."""
    found = [match for match in map(PIN.fullmatch, file.read_text(encoding="utf-8").splitlines()) if match]
    pinned = {match[1]: match[2] for match in found}
    assert len(pinned) == len(found), "a package is pinned twice"
    return pinned


def blocks(file: Path) -> dict[str, list[str]]:
    """The lines of every package."""
    parts = re.split(r"\n(?=[a-z])", file.read_text(encoding="utf-8").rstrip())[1:]
    return {part.partition("==")[0]: part.replace(" \\", "").splitlines() for part in parts}


def dependencies(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for on a line, extras included but for that of the other line."""
    with (tree.ROOT / "pyproject.toml").open("rb") as opened:
        project = tomllib.load(opened)["project"]
    other = set(LINES.values()) - {LINES[lock]}
    extras = [part for name, part in project["optional-dependencies"].items() if name not in other]
    asked = [Requirement(text) for text in (*project["dependencies"], *(text for extra in extras for text in extra))]
    return [wanted for wanted in asked if wanted.name != project["name"]]  # an extra that stands for another


def too_old(locked: dict[str, str]) -> list[str]:
    """Pins below their floor and packages that must not be there at all."""
    found = [f"{name} {locked[name]} is below {floor}" for name, floor in FLOORS.items()
             if name in locked and Version(locked[name]) < Version(floor)]
    found += [f"{name} is not allowed" for name in sorted(NOT_ALLOWED & locked.keys())]
    if "kernels" in locked and Version(locked.get("transformers", SAFE_TRANSFORMERS)) < Version(SAFE_TRANSFORMERS):
        found.append(f"kernels is not allowed beside transformers {locked['transformers']}: it loads code from the Hub")
    return found


def stated(name: str) -> set[str]:
    """The licences that an installed package states: its expression, else its classifiers, else its free text."""
    told = metadata.metadata(name)
    if expression := told.get("License-Expression"):
        return alternatives(expression)
    classifiers = [line.split(" :: ") for line in told.get_all("Classifier", []) if line.startswith("License :: ")]
    if named := {parts[-1] for parts in classifiers if parts[-1] not in ("OSI Approved", "DFSG approved")}:
        return named
    text = told.get("License") or ""
    return alternatives(text) if len(text.splitlines()) <= 1 else {"a text that is no name"}


def alternatives(expression: str) -> set[str]:
    """The licences that all apply; of `A OR B` the one that is allowed, and all of them where none is."""
    assert "(" not in expression, f"{expression}: brackets are not understood here"
    found: set[str] = set()
    for part in expression.split(" AND "):
        choices = {choice.strip() for choice in part.split(" OR ")}
        found |= choices & ALLOWED or choices
    return found


@pytest.mark.parametrize("line", [
    "a==1", "a>=1 \\", "a==1 ; python_version < '3.12' \\", "a @ https://example.org/a.whl \\", "/wheels/a.whl \\",
    "-e . \\", "--index-url https://example.org/simple", "--find-links=wheels", "--extra-index-url=x",
    "# from https://example.org",
])
def test_lines_that_have_no_place_in_a_lock_are_found(line: str) -> None:
    digest = f"    --hash=sha256:{'0' * 64}"
    assert malformed(f"b==2 \\\n{digest} \\\n{digest}\n{line}\n")[0] == line
    assert malformed(f"# written\nb==2 \\\n{digest}\n") == []


def test_pins_without_a_hash_are_found() -> None:
    assert malformed("a==1 \\\nb==2 \\\n") == ["b==2 \\", "# end"]


@pytest.mark.parametrize(("locked", "findings"), [
    ({"torch": "2.9.1"}, ["torch 2.9.1 is below 2.10"]),
    ({"torch": "2.10.0", "transformers": "4.57.6"}, []),
    ({"transformers": "4.57.6", "kernels": "1.0"},
     ["kernels is not allowed beside transformers 4.57.6: it loads code from the Hub"]),
    ({"transformers": "5.3.0", "kernels": "1.0", "nltk": "4.0"}, ["nltk is not allowed"]),
])
def test_old_and_forbidden_packages_are_found(locked: dict[str, str], findings: list[str]) -> None:
    assert too_old(locked) == findings


@pytest.mark.parametrize(("expression", "licences"), [
    ("Apache-2.0 OR GPL-3.0-only", {"Apache-2.0"}), ("MIT AND GPL-3.0-only", {"MIT", "GPL-3.0-only"}),
    ("AGPL-3.0-only OR BUSL-1.1", {"AGPL-3.0-only", "BUSL-1.1"}),
])
def test_licence_expressions_are_taken_apart(expression: str, licences: set[str]) -> None:
    assert alternatives(expression) == licences
