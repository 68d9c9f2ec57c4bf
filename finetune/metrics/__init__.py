"""Scores as plain functions on numpy arrays; `hf` offers the same ones as `evaluate.Metric` classes."""
