"""Segmentation metrics, exact on void and absent classes; definitions in docs/statistics.md."""

from difnet.metrics.boundary_f import boundary_f_score
from difnet.metrics.boundary_iou import boundary_iou
from difnet.metrics.confusion import confusion_matrix, iou, mean_class_accuracy, miou, pixel_accuracy
from difnet.metrics.image_statistics import image_statistics
from difnet.metrics.label_maps import VOID
from difnet.metrics.one_to_one import boundary_f_one_to_one
from difnet.metrics.per_image import read_statistics, statistics_table, write_statistics
from difnet.metrics.scores import scores_from_statistics
from difnet.metrics.trimap import RADII, trimap_miou

__all__ = [
    "RADII",
    "VOID",
    "boundary_f_one_to_one",
    "boundary_f_score",
    "boundary_iou",
    "confusion_matrix",
    "image_statistics",
    "iou",
    "mean_class_accuracy",
    "miou",
    "pixel_accuracy",
    "read_statistics",
    "scores_from_statistics",
    "statistics_table",
    "trimap_miou",
    "write_statistics",
]
