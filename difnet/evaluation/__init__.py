"""Evaluation of trained runs: scores and per-image statistics of one, the gallery of all."""

from difnet.evaluation.evaluate_run import evaluate_run, predict
from difnet.evaluation.predictions import predict_images
from difnet.evaluation.segmentation import Segmentation
from difnet.evaluation.segmenter import Segmenter
from difnet.evaluation.write_gallery import write_gallery

__all__ = ["Segmentation", "Segmenter", "evaluate_run", "predict", "predict_images", "write_gallery"]
