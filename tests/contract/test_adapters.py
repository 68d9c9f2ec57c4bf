"""What a run with adapters leaves beside what every run leaves: the adapter itself, and the numbers that it is about."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
Finished = tuple[str, Path, str]
# Base and adapter against the merged model, with nothing of ours; the new head of the base is another every time.
LOAD = """
import json, sys
import torch, transformers
from peft import PeftModel
backbone, run, auto = sys.argv[1:]
load = getattr(transformers, auto).from_pretrained
merged = load(f"{run}/model", local_files_only=True).eval()
labels = {"num_labels": merged.num_labels} if hasattr(merged, "num_labels") else {}
adapted = PeftModel.from_pretrained(load(backbone, **labels), f"{run}/adapter", local_files_only=True).eval()
torch.manual_seed(3)
inputs = ({"pixel_values": torch.randn(4, 3, 32, 32)} if "Image" in auto else {"input_ids": torch.randint(5, 90, (4, 12))})
if "Seq2Seq" in auto:
    inputs["decoder_input_ids"] = torch.randint(5, 90, (4, 7))
with torch.inference_mode():
    outputs = [model(**inputs) for model in (adapted, merged)]
print(json.dumps([(output.logits if "logits" in output else output.start_logits).tolist() for output in outputs]))
"""


def setting(run: Path, key: str) -> object:
    return json.loads((run / "recipe.json").read_text())["values"][key]["value"]


def test_adapter_is_kept_where_one_was_trained(finished: Finished) -> None:
    name, run, printed = finished
    expected = ["adapter_config.json", "adapter_model.safetensors"] if setting(run, "train.adapter") == "lora" else []
    assert sorted(file.name for file in (run / "adapter").glob("*")) == expected
    assert (":lora" in name) == bool(expected) == ("adapter kept in" in printed)


def test_metrics_count_the_trained_weights(finished: Finished) -> None:
    _, run, printed = finished
    metrics = json.loads((run / "metrics.json").read_text())
    backbone = json.loads((run / "train.json").read_text())["backbone"]
    if setting(run, "train.adapter") == "lora":
        assert 0 < backbone["num_trained"] < backbone["num_weights"]
        assert f"{backbone['num_trained']:,} of {backbone['num_weights']:,} weights are trained" in printed
        assert 0 <= metrics["train"]["merge_difference"] <= 1e-6
    else:
        assert 0 < backbone["num_trained"] <= backbone["num_weights"]
        assert (backbone["num_trained"] == backbone["num_weights"]) == (setting(run, "train.freeze") == "none")
        assert "merge_difference" not in metrics["train"]


def test_base_and_adapter_answer_in_a_fresh_process_as_the_merged_model_does(finished: Finished) -> None:
    from finetune import saved

    _, run, _ = finished
    if not (run / "adapter").is_dir():
        return
    auto = saved.read(run / "model")[0].head.auto
    backbone = setting(run, "model.name")
    assert json.loads((run / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == backbone
    done = subprocess.run([sys.executable, "-c", LOAD, str(backbone), str(run), auto], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    adapted, merged = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert np.abs(merged - adapted).max() <= 1e-6 * max(1.0, np.abs(adapted).max())
