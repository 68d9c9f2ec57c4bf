"""Fine-tune a Hugging Face model on text or images: rows in, a checked ONNX model out."""

import os

__version__ = "0.1.0"

# onnxruntime, from 1.29 on, keeps a number for the machine and tells its makers of every process and model, unless this
# stands in the environment when it begins; what a user has set stays. See
# tests/unit/test_predict_process.py::test_nothing_is_left_outside_the_run_and_nobody_is_told.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
