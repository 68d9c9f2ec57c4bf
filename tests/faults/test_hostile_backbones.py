"""Configurations that make transformers run code although nobody trusts any: refused before the library reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers
import transformers.dynamic_module_utils

from finetune.backbones import hf, resolve
from finetune.errors import BackboneError
from finetune.spec import Model
from finetune.tasks.text_classification import TextClassification

HEAD = TextClassification(labels=("no", "yes")).head
BERT = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 9}
KERNEL = "somebody/kernel"
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "flag": (BERT | {"trust_remote_code": True}, "trust_remote_code"),
    "flag deep inside": (BERT | {"text_config": [{"more": {"trust_remote_code": 1}}]}, "trust_remote_code"),
    "kernel": (BERT | {"_attn_implementation_internal": KERNEL}, "_attn_implementation_internal"),
    "kernel, older key": (BERT | {"_attn_implementation": KERNEL}, "_attn_implementation"),
    "kernel, public key": (BERT | {"attn_implementation": f"{KERNEL}:forward"}, "attn_implementation"),
    "kernel of a part": (BERT | {"vision_config": {"_attn_implementation_internal": KERNEL}}, "_attn_implementation_internal"),
}


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A LightGlue whose part is code that writes a file when it is imported; and that file."""
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder, inner, canary = tmp_path / "folder", tmp_path / "folder" / "inner", tmp_path / "canary.txt"
    inner.mkdir(parents=True)
    (inner / "planted.py").write_text(f"from transformers import PretrainedConfig\nopen({str(canary)!r}, 'w').write('run')\n"
                                      "class Planted(PretrainedConfig):\n    model_type = 'planted'\n")
    (inner / "config.json").write_text(json.dumps({"model_type": "planted", "auto_map": {"AutoConfig": "planted.Planted"}}))
    detector = {"model_type": "planted", "_name_or_path": str(inner)}
    (folder / "config.json").write_text(json.dumps({"model_type": "lightglue", "trust_remote_code": True, "keypoint_detector_config": detector}))
    return folder, canary


@pytest.mark.skipif(hf.MAJOR >= 5, reason="transformers 5.5 no longer takes the flag from the file")
def test_transformers_4_still_takes_the_flag_from_a_lightglue_file(trap: tuple[Path, Path]) -> None:
    folder, canary = trap
    transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    assert canary.read_text() == "run"


@pytest.mark.parametrize("random", [False, True])
def test_a_lightglue_that_names_code_runs_none(random: bool, trap: tuple[Path, Path]) -> None:
    folder, canary = trap
    with pytest.raises(BackboneError, match=r"its config.json names code to be run, under trust_remote_code\. Use a backbone without it"):
        resolve.load(Model(name=str(folder), random=random), HEAD, sample=False)
    with pytest.raises(BackboneError, match="names code to be run"):
        hf.reload(folder, HEAD)
    assert not canary.exists()


@pytest.mark.parametrize("family", ["hf", "timm"])
@pytest.mark.parametrize("name", HOSTILE)
def test_configuration_that_names_code_is_refused(name: str, family: str, tmp_path: Path) -> None:
    config, key = HOSTILE[name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BackboneError, match=f"names code to be run, under {key}") as caught:
        resolve.load(Model(name=str(tmp_path), family=family), HEAD, sample=False)
    assert caught.value.where == f"model.name: {tmp_path}"


def test_attention_by_its_plain_name_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(BERT | {"_attn_implementation": "eager", "trust_remote_code": False}))
    hf.refuse_code(tmp_path, {"local_files_only": True})
