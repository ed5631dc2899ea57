"""Evaluation of trained runs: scores and per-image statistics of one, the gallery of all."""

from difnet.evaluation.evaluate_run import evaluate_run, predict
from difnet.evaluation.predictions import predict_images
from difnet.evaluation.write_gallery import write_gallery

__all__ = ["evaluate_run", "predict", "predict_images", "write_gallery"]
