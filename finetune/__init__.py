"""Fine-tune a Hugging Face model on text or images: rows in, a checked ONNX model out."""

__version__ = "0.1.0"
