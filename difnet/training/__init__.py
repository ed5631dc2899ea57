"""Training of one run: recipe, checkpoints and the record of what it was obtained with."""

from difnet.machine.environment import environment
from difnet.training.best_weights import check_scored_split
from difnet.training.device import choose_device, memory_format, trains_in_bf16, use_threads
from difnet.training.recipe import learning_rate, make_optimiser, segmentation_loss, training_step
from difnet.training.train_run import train_run

__all__ = [
    "check_scored_split",
    "choose_device",
    "environment",
    "learning_rate",
    "make_optimiser",
    "memory_format",
    "segmentation_loss",
    "train_run",
    "training_step",
    "trains_in_bf16",
    "use_threads",
]
