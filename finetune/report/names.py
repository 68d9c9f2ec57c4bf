"""How the keys of a run folder are called in sentences, tables and figures."""

from __future__ import annotations

BASELINES = {"majority": "most frequent label", "mean": "mean of training", "tfidf_linear": "TF-IDF + linear",
             "first_sentence": "first sentence", "nearest_summary": "summary of the nearest text"}
INITIALS = ("mae", "mse")
AVERAGES = ("macro", "micro", "weighted")
# Names that have a spelling of their own.
METRICS = {"map": "mAP", "average_precision": "PR AUC", "roc_auc": "ROC AUC", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2",
           "rougeL": "ROUGE-L", "bleu": "BLEU", "chrf": "chrF", "pearson": "Pearson", "spearman": "Spearman",
           "top_3": "Top-3 accuracy"}
ARTIFACTS = {"pytorch": "PyTorch", "fp32": "ONNX fp32", "optimized": "ONNX optimized", "fp16": "ONNX fp16",
             "int8": "ONNX int8"}


def metric_name(key: str) -> str:
    """`f1_macro` is `F1 (macro)`."""
    if key in METRICS:
        return METRICS[key]
    family, _, average = key.rpartition("_")
    if average not in AVERAGES or not family:
        family, average = key, ""
    shown = family.replace("_", " ")
    shown = shown.upper() if len(shown) <= 2 or shown in INITIALS else shown[:1].upper() + shown[1:]
    return f"{shown} ({average})" if average else shown


def metric_within(key: str) -> str:
    """The same within a sentence or below an axis: `accuracy`, but `F1 (macro)` and `PR AUC`."""
    name = metric_name(key)
    return name if key in METRICS or not name[1:2].islower() else name[:1].lower() + name[1:]


def baseline_name(key: str) -> str:
    """`tfidf_linear` is `TF-IDF + linear`; an unknown key is itself."""
    return BASELINES.get(key, key.replace("_", " "))


def artifact_name(key: str) -> str:
    """`int8` is `ONNX int8`; an unknown key is itself."""
    return ARTIFACTS.get(key, key)
