"""Schema of benchmarks and ablations: every key that a YAML file may hold, with its default."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

LevelName = Literal["image", "layer1", "layer2", "layer3", "layer4"]
LEVELS: tuple[LevelName, ...] = ("image", "layer1", "layer2", "layer3", "layer4")
DIFFUSIONS = ("cascade", "dense_inverse", "iterative_inverse", "none")
"""Diffusion rules of the library; any other name is a class in `ablations/NAME.py`."""
Weight = Literal["learned"] | Annotated[float, Field(ge=0.0, le=1.0)]


def _all_different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"each seed counts once, so none may be there twice: {list(seeds)}")
    return seeds


def _ascending(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise ValueError(f"a range goes from the smaller to the larger number: [{span[1]:g}, {span[0]:g}]")
    return span


Threads = Annotated[int, Field(ge=1, le=1024)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], AfterValidator(_all_different)]


class Section(BaseModel):
    """A group of keys; a key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(Section):
    """Images and labels, as they are stored for training."""

    name: str = "shapes"
    size: tuple[PositiveInt, PositiveInt] | None = None
    """Height and width in pixels that every image is resized to; null keeps each image's own."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the data set (for `shapes` its difficulty)."""


class TransitionConfig(Section):
    """How features become a row-stochastic transition matrix."""

    kind: Literal["softmax", "cosine", "doubly_stochastic", "top_k"] = "softmax"
    temperature: PositiveFloat | Literal["learned"] | None = None
    """Divides the similarities; `learned`: one number a level; null for the default of the kind."""
    k: PositiveInt | None = None
    """Neighbours a node of top_k; null for its default."""


class PretextConfig(Section):
    """Training of a ResNet to name what small patches of a data set show, before any image is seen."""

    steps: PositiveInt = 300
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 0.05
    patches: PositiveInt = 6000
    """Patches to train on."""
    seed: Seed = 0
    """Of patches, initial values and order; the same start for all seeds of a benchmark."""


class ModelConfig(Section):
    """Network and diffusion."""

    name: str = "difnet-nano"
    width: Annotated[float, Field(gt=0.0, le=16.0)] | Literal["equal_parameters"] = 1.0
    """Multiplies the channels of both ResNets; `equal_parameters`: a DifNet as large as the baseline of its
    depth, a baseline as large as the DifNet of its depth; where weights are given, another depth."""
    shared_resnet: bool = False
    """One ResNet for both branches."""
    aspp_start: Literal["narrow", "he"] = "narrow"
    """Initial weights of the ASPP classifier, by their deviation: 0.01 (DeepLab v2), or sqrt(2 / fan out),
    ten times as much, as the authors' code leaves them."""
    normalisation: Literal["imagenet", "caffe"] = "imagenet"
    """Of the images: mean and deviation of ImageNet, or BGR minus its mean as in the authors' code."""
    diffusion: str = "cascade"
    """cascade, dense_inverse, iterative_inverse, none, or NAME for the class in `ablations/NAME.py`."""
    levels: tuple[LevelName, ...] = Field(default=LEVELS, min_length=1)
    repeats: PositiveInt = 1
    """Random walks a level."""
    embedding_dim: int = Field(default=64, ge=1, le=2**16)
    restart: Weight = "learned"
    """The restart weight a of every level: learned, or a number in [0, 1]."""
    skip: Weight = "learned"
    """The skip weight b of every level: learned, or a number in [0, 1]."""
    importance: bool = True
    seeds: Literal["seed_branch", "similarity_branch"] = "seed_branch"
    """Where the class scores come from: the seed branch, or a 1x1 classifier on the similarity branch."""
    transition: TransitionConfig = TransitionConfig()
    weights: str | None = None
    """Initial weights of both ResNets: `imagenet` (torchvision's at the network's depth), the name of a
    torchvision weights enum, a local file (`{depth}` in its name is the network's), `pretext`
    (trained on patches of the data set, if it offers them), or null for random."""
    pretext: PretextConfig = PretextConfig()


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


class EvaluateConfig(Section):
    """What a trained run is scored on."""

    split: str = "val"
    batch_size: PositiveInt = 16
    gallery: NonNegativeInt = 4
    """Images, evenly spaced over the split, whose predictions are kept for the report."""
    oracle_seeds: PositiveInt | Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")] | None = None
    """Diffuse labelled pixels in place of the scores: so many of every true region, or a share (`1%`)."""
    oracle_rule: Literal["similarities", "nearest"] = "similarities"
    """How oracle seeds spread: by the network's diffusion, or every pixel takes the nearest one's class."""
    pad: tuple[PositiveInt, PositiveInt] | None = None
    """Height and width that every image is padded to: the image in the middle of its mean, its label in void
    (VOC: [505, 505]); null: images go in as they are."""
    pad_colour: Literal["mean", "black"] = "mean"
    """Of that padding; black in the authors' code."""
    scales: tuple[PositiveFloat, ...] = Field(default=(1.0,), min_length=1)
    """Factors that the image is resized by; the class probabilities of all passes are averaged."""
    flip: bool = False
    """Whether the mirror image is predicted as well, and averaged in the same way."""


PROTOCOL = ("pad", "pad_colour", "scales", "flip")
"""Keys of `evaluate` that say how an image is predicted."""


class TimingConfig(Section):
    """Grid of the timing benchmark."""

    nodes: tuple[PositiveInt, ...] = (1024, 1936, 3600)
    classes: tuple[PositiveInt, ...] = (21,)
    embedding_dim: PositiveInt = 64
    batch: PositiveInt = 1
    repeats: PositiveInt = 7
    warmup: NonNegativeInt = 1
    backward: bool = True
    budget_s: PositiveFloat = 5.0
    """Seconds that one subject may take at one size; past it the row says so."""
    threads: Threads = 2


class LimitsConfig(Section):
    """How much of a benchmark to run: whole variants, in their order, as long as they fit."""

    runs: PositiveInt | None = None
    """Most runs, over all variants and seeds."""
    steps: PositiveInt | None = None
    """Most training steps, over all runs."""


class BenchmarkConfig(Section):
    """One file of `workflow/benchmarks/`."""

    title: str
    description: str = ""
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    timing: TimingConfig = TimingConfig()
    seeds: Seeds = Field(default=(0, 1, 2), min_length=1)
    ablations: tuple[str, ...] = ("headline",)
    """Names, tags or globs of the ablations to run."""
    claims: tuple[str, ...] = ()
    """Claims of `workflow/claims.yaml` whose ablations are run, beside `ablations` where they are given."""
    looks: tuple[PositiveInt, ...] = ()
    """Numbers of seeds after which verdicts are planned, ascending, each at a part of the error; none for one
    look at all seeds."""
    sweep: dict[str, list[Any]] = Field(default_factory=dict)
    """Values to try of some keys: `{model.restart: [0.1, 0.5]}` adds every ablation with each combination.
    A value of `model.name` is the network of the benchmark: the ablation `deeplab` takes its depth."""
    limits: LimitsConfig = LimitsConfig()
    reference: str = "cascade"
    """The variant that every other one is compared with."""

    @field_validator("looks")
    @classmethod
    def _looks_ascend(cls, looks: tuple[int, ...]) -> tuple[int, ...]:
        if list(looks) != sorted(set(looks)) or any(look < 3 for look in looks):
            raise ValueError(f"numbers of seeds from 3 on, ascending, are expected, not {list(looks)}")
        return looks


class AblationConfig(Section):
    """One file of `ablations/`: only what differs from the benchmark and from what it extends."""

    title: str
    question: str
    expectation: str = ""
    extends: str | None = None
    weights_of: str | None = None
    """Take the trained weights of this ablation and the same seed instead of training."""
    tags: tuple[str, ...] = ()
    model: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)
    evaluate: dict[str, Any] = Field(default_factory=dict)
