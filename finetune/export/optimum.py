"""The ONNX exporter of Optimum (the transformers 4.57 line): the only file that calls it."""

from __future__ import annotations

import copy
import logging
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from finetune.errors import ExportError

PARTS = ("encoder_model", "decoder_model_merged")  # of what writes texts


def export(model: Any, file: Path, *, task: str, opset: int) -> None:
    """Write `model` as a float32 ONNX graph with free batch and sequence axes.

    What writes texts is written as an encoder, which is `file`, and beside it a decoder with and without a key-value
    cache in one graph. The model must use eager attention: only that form is fused into attention nodes later.
    Raises ExportError when Optimum does not know the architecture.
    """
    from optimum.exporters.onnx import onnx_export_from_model

    exported = model.timm_model if hasattr(model, "timm_model") else model
    writes = task.endswith("-with-past")
    if writes:
        # optimum-onnx 0.1.0 switches the cache of a T5's encoder on, which cannot answer any more then; see
        # test_optimum_still_leaves_the_cache_of_an_encoder_on.
        exported = copy.deepcopy(exported)
    name = getattr(model.config, "architecture", None) or model.config.model_type
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".draft-") as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracer warnings speak of branches that the free axes do not take
        for library in ("optimum", "transformers"):
            logging.getLogger(library).setLevel(logging.ERROR)
        try:
            onnx_export_from_model(exported, Path(draft), task=task, opset=opset, device="cpu", do_validation=False,
                                   no_post_process=not writes)  # which makes one decoder of the two
        except (ValueError, KeyError, NotImplementedError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ExportError("export", f"Optimum cannot export the architecture {name!r}: {reason} "
                                        "Choose another backbone (model.name=...).") from error
        for stem in PARTS if writes else ("model",):
            for part in Path(draft).glob(f"{stem}.onnx*"):  # weights above 2 GiB lie in a file beside the graph
                shutil.move(part, file.parent / part.name)
