"""Pretrained models with a task's head; one file per family, `resolve.py` finds where the weights are."""
