"""Evaluation of trained runs: scores and per-image statistics of one, the gallery of all."""

from difnet.evaluation.gallery import write_gallery
from difnet.evaluation.predictions import predict_images
from difnet.evaluation.run import evaluate_run, predict

__all__ = ["evaluate_run", "predict", "predict_images", "write_gallery"]
