"""Segmentation metrics, exact on void and absent classes: one file a metric (docs/statistics.md)."""

from difnet.metrics.boundary_f import boundary_f_score
from difnet.metrics.boundary_f_one_to_one import boundary_f_one_to_one
from difnet.metrics.boundary_iou import boundary_iou
from difnet.metrics.confusion import confusion_matrix
from difnet.metrics.label_maps import VOID
from difnet.metrics.metric import Metric
from difnet.metrics.miou import miou
from difnet.metrics.scores import METRICS, image_statistics, scores_from_statistics
from difnet.metrics.trimap import RADII, trimap_miou

__all__ = [
    "METRICS",
    "RADII",
    "VOID",
    "Metric",
    "boundary_f_one_to_one",
    "boundary_f_score",
    "boundary_iou",
    "confusion_matrix",
    "image_statistics",
    "miou",
    "scores_from_statistics",
    "trimap_miou",
]
