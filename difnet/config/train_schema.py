"""Schema of the recipe: every key of `train`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from difnet.config.base_schema import Section, Threads


def _ascending(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise ValueError(f"a range goes from the smaller to the larger number: [{span[1]:g}, {span[0]:g}]")
    return span


class TrainConfig(Section):
    """Recipe (defaults: DifNet, section 4, at the size of a CPU benchmark)."""

    steps: NonNegativeInt = 1500
    batch_size: PositiveInt = 16
    epochs: PositiveInt | None = None
    """Passes over the training images that `steps` must be. Each then ends with a batch of what is left, as
    in the authors' code; null: every batch is full, filled up from the next pass."""
    learning_rate: PositiveFloat = 2.5e-3
    momentum: NonNegativeFloat = Field(default=0.9, lt=1.0)
    weight_decay: NonNegativeFloat = 5e-4
    power: PositiveFloat = 0.9
    """Exponent of the poly decay of the learning rate, applied every step."""
    flip: bool = True
    scale: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ascending)] | None = None
    """Range of the random rescaling; null for none."""
    scaling: Literal["continuous", "tenths"] = "continuous"
    """Factors: any of the range, of the part that the crop shows; or its tenths (0.5, 0.6, ...), of the whole
    image, its sides truncated to whole pixels, as in the authors' code."""
    crop: PositiveInt | None = None
    """Side of the random square crop in pixels; a shorter image is padded. Null for none."""
    padding: Literal["void", "background"] = "void"
    """Label of what a crop adds around a small image; background (class 0) in the authors' code."""
    padding_colour: Literal["mean", "black"] = "mean"
    """Its colour in the image: the mean of ImageNet, or black as in the authors' code."""
    padding_offset: Literal["none", "random"] = "none"
    """Where the image lies in it: at the upper left; or, each side apart, at a random offset, as in the
    authors' code."""
    photometric: bool = False
    """Random changes of brightness, contrast, saturation and hue."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of convolutions in training; auto: bf16 where GPU or CPU computes in it, else fp32. The loss, the
    diffusion and all evaluation are in fp32."""
    channels_last: bool = True
    accumulate: PositiveInt = 1
    """Parts that a batch is computed in, one after another, where the whole does not fit into memory; a batch
    norm sees one part at a time."""
    norm_images: PositiveInt | None = None
    """Images that a batch norm sees together, of which it keeps the first group's running statistics: what
    several GPUs do in the authors' code, here one group after another. Null: the whole batch, or part."""
    threads: Threads = 1
    """Compute threads on a CPU: part of the run, since rounding depends on it."""
    deterministic: bool = False
    """Only kernels that give the same bits every time on the same GPU; on a CPU all do."""
    select: Literal["last", "best", "both"] = "last"
    """Weights that are kept: the last; or those of the best mIoU on `val`, which then is not scored; or both:
    the last are scored, and the best of these looks at `val` stands beside them, as the authors report it."""
    select_every: PositiveInt = 500
    """Steps between the looks at `val`."""
    checkpoint_every: PositiveInt = 500
    """Steps between checkpoints; does not change the result."""
    logger: tuple[Literal["csv", "tensorboard", "wandb", "mlflow", "trackio"], ...] = ("csv", "tensorboard")
    """Where the rows of `history.csv`, which is always written, go as well; each tracker has to be installed,
    but for TensorBoard, which is left out where it is not. Does not change the result."""
    workers: int = Field(default=0, ge=0, le=256)
    """Threads that make the batches ahead of the training; 0: none does. Does not change the result."""

    @field_validator("norm_images")
    @classmethod
    def _norm_images_divide(cls, images: int | None, info: ValidationInfo) -> int | None:
        batch, parts = info.data.get("batch_size"), info.data.get("accumulate")
        if images and batch and batch % images:
            raise ValueError(f"groups of {images} images do not divide a batch of {batch} (train.batch_size)")
        if images and parts and parts > 1:
            raise ValueError(f"computes a batch in parts already; leave train.accumulate, {parts}, at 1")
        return images

    @field_validator("scaling")
    @classmethod
    def _tenths_start_and_end(cls, scaling: str, info: ValidationInfo) -> str:
        span = info.data.get("scale")
        if scaling == "tenths" and span and any(abs(10 * end - round(10 * end)) > 1e-9 for end in span):
            raise ValueError(f"a range of tenths is expected in train.scale, not {list(span)}")
        return scaling

    @property
    def parts(self) -> int:
        """Parts that a batch is computed in."""
        return self.batch_size // self.norm_images if self.norm_images else self.accumulate

    @property
    def looks_at_val(self) -> int:
        """How often the weights are scored on `val` to select some."""
        return 0 if self.select == "last" else math.ceil(self.steps / self.select_every)

    def steps_an_epoch(self, images: int) -> int:
        """Batches in which so many images are seen once; the last may be a smaller one."""
        return math.ceil(images / self.batch_size)
