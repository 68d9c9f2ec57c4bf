"""Which files of a run leave, and where they lie in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

# What was made to be shown, as it lies in its folder and in the repository.
SHOWN = ("README.md", "metrics.json", "report.html", "figures/*", "onnx/report.json")
# What a push may have brought before, so that it is ours to take away; a file that somebody else added (.gitattributes,
# a licence, weights for other libraries) stays.
OURS = (
    *SHOWN, "onnx/*", "finetune.json", "processor.json", "config.json", "generation_config.json", "*.safetensors",
    "*.safetensors.index.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "added_tokens.json",
    "special_tokens_map.json", "vocab.*", "merges.txt", "*.model", "preprocessor_config.json",
)


def gather(run_dir: Path, shown_dir: Path) -> dict[str, Path]:
    """Path in the repository -> file, sorted: the model at the root, where `from_pretrained` looks, and the exports.

    `shown_dir` holds card, scores, report and figures without what stays behind; they replace those of the run.
    """
    found = _below(run_dir / "model", "") | _below(run_dir / "onnx", "onnx/")
    found |= {path: file for path, file in _below(shown_dir, "").items() if _fits(path, SHOWN)}
    return dict(sorted(found.items()))


def stale(files: Mapping[str, Path], remote: Iterable[str]) -> list[str]:
    """What an older push left in the repository and this one does not bring."""
    return sorted(path for path in remote if path not in files and _fits(path, OURS))


def _below(folder: Path, start: str) -> dict[str, Path]:
    return {start + file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}


def _fits(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern names the path; one without a slash means the root alone."""
    return any(fnmatchcase(path, pattern) and ("/" in pattern or "/" not in path) for pattern in patterns)
