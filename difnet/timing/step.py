"""A training step of a run, of a network with random weights: what is timed.

B batch, H W image size.
"""

from __future__ import annotations

from torch import Tensor

from difnet.config import RunConfig
from difnet.data.batches import Batch
from difnet.models import build_from_config
from difnet.training import choose_device, make_optimiser, memory_format, training_step


class TrainingStep:
    """The network of a run on the device that it trains on, and its step.

    Args:
        run: Its model and recipe; not `pixel_prior`, which takes no steps.
        classes: C.
    """

    def __init__(self, run: RunConfig, classes: int) -> None:
        self.device = choose_device()
        self.layout = memory_format(run.train)
        network = build_from_config(run.model.model_copy(update={"weights": None}), classes)
        self.network = network.to(self.device).to(memory_format=self.layout)
        self._optimiser = make_optimiser(self.network, run.train)
        self._train = run.train

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) and labels (B, H, W) as the step takes them."""
        moved = batch.to(self.device)
        return moved.images.to(memory_format=self.layout), moved.labels

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Take the step and return its loss."""
        return training_step(self.network.train(), self._optimiser, images, labels, step=0, train=self._train)
