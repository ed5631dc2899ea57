"""Evaluation of trained runs: scores, per-image statistics and the gallery."""

from difnet.evaluation.run import evaluate_run, gallery_indices, predict

__all__ = ["evaluate_run", "gallery_indices", "predict"]
