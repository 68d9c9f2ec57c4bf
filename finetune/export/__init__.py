"""From a fine-tuned model to checked ONNX files; onnxruntime and optimum are imported here and nowhere else."""
