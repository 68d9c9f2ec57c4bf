"""Smaller models from an ONNX file, through Optimum's quantizer."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from pathlib import Path

from finetune.spec import Int8Dynamic


def quantize(source: Path, file: Path, settings: Int8Dynamic) -> None:
    """Write the int8 form of `source`: weights per output channel, activations scaled as they pass.

    Convolutions stay in float: dynamic int8 convolutions are slower than float ones in ONNX Runtime.
    """
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    logging.getLogger("optimum").setLevel(logging.ERROR)
    logging.getLogger("root").setLevel(logging.ERROR)
    config = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=settings.per_channel)
    config.operators_to_quantize = [name for name in config.operators_to_quantize if name != "Conv"]
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".draft-") as draft, warnings.catch_warnings():
        # optimum 2.1 loads the processor beside a ResNet through a class that transformers 4.57 calls deprecated; see
        # test_optimum_still_loads_the_processor_of_a_resnet_through_a_deprecated_class.
        warnings.filterwarnings("ignore", "The class ConvNextFeatureExtractor is deprecated", FutureWarning)
        quantizer = ORTQuantizer.from_pretrained(source.parent, file_name=source.name)
        quantizer.quantize(save_dir=draft, quantization_config=config, file_suffix="")
        shutil.move(Path(draft) / source.name, file)
