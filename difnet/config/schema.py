"""Schema of benchmarks and ablations: every key that a YAML file may hold, with its default."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from difnet.config.backbones import check_backbone
from difnet.config.base_schema import Section, Seed, Seeds, Threads
from difnet.config.train_schema import TrainConfig

LevelName = Literal["image", "layer1", "layer2", "layer3", "layer4"]
OperatorName = Literal[
    "plain_walk",
    "fused_walk",
    "cascade",
    "cascade_graph",
    "dense_inverse_cupy",
    "dense_inverse_cupy_solve_only",
    "dense_inverse_graph",
    "dense_inverse_scipy",
    "dense_inverse_scipy_solve_only",
    "dense_inverse_torch",
    "dense_inverse_torch_solve_only",
    "iterative_inverse",
]
LEVELS: tuple[LevelName, ...] = ("image", "layer1", "layer2", "layer3", "layer4")
DIFFUSIONS = ("cascade", "dense_inverse", "iterative_inverse", "none")
"""Diffusion rules of the library; any other name is a class in `ablations/NAME.py`."""
Colour = tuple[float, float, float]
IMAGENET: tuple[Colour, Colour] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of its training images, RGB, between 0 and 1."""
Weight = Literal["learned"] | Annotated[float, Field(ge=0.0, le=1.0)]


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


class BranchWeights(Section):
    """Initial weights of each branch, as one value of `model.weights` names them."""

    seed_branch: str | None = None
    similarity_branch: str | None = None

    def __str__(self) -> str:
        """For people to read."""
        return ", ".join(f"{value or 'random'} in the {branch.replace('_', ' ')}" for branch, value in self)


class ModelConfig(Section):
    """Network and diffusion."""

    name: str = "difnet-nano"
    backbone: Annotated[str, AfterValidator(check_backbone)] | None = None
    """Network of both branches in place of the ResNet that `name` says: `timm/NAME`, a network of timm with
    feature maps from stride 4 on; `resnet-DEPTH` is another way to say `difnet-DEPTH`."""
    width: Annotated[float, Field(gt=0.0, le=16.0)] | Literal["equal_parameters"] = 1.0
    """Multiplies the channels of both ResNets; `equal_parameters`: a DifNet as large as the baseline of its
    depth, a baseline as large as the DifNet of its depth; where weights are given, another depth."""
    shared_resnet: bool = False
    """One ResNet for both branches."""
    aspp_start: Literal["narrow", "he"] = "narrow"
    """Initial weights of the ASPP classifier, by their deviation: 0.01 (DeepLab v2), or sqrt(2 / fan out),
    ten times as much, as the authors' code leaves them."""
    normalisation: Literal["imagenet", "caffe"] | tuple[Colour, Colour] = "imagenet"
    """Of the images: mean and deviation of ImageNet; BGR minus its mean as in the authors' code; or mean and
    deviation of colours from 0 to 1. With a backbone of timm it is that of its pre-trained weights."""
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
    weights: str | BranchWeights | None = None
    """Initial weights of both backbones, or of each: `imagenet` (torchvision's at the ResNet's depth, or
    timm's), the name of a torchvision weights enum, `timm/NAME.TAG`, `packaged` (those that the extra `lite`
    installs), a local file (`{depth}` in its name is the ResNet's), `pretext` (trained on patches of the data
    set, if it offers them; ResNets alone), or null for random."""
    pretext: PretextConfig = PretextConfig()


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
    scales: tuple[Annotated[float, Field(ge=1 / 16, le=16)], ...] = Field(default=(1.0,), min_length=1)
    """Factors from 1/16 to 16 that the image is resized by; the class probabilities of all passes are
    averaged."""
    flip: bool = False
    """Whether the mirror image is predicted as well, and averaged in the same way."""


PROTOCOL = ("pad", "pad_colour", "scales", "flip")
"""Keys of `evaluate` that say how an image is predicted."""


class TimingConfig(Section):
    """Operators and grid of the timing benchmark."""

    operators: tuple[OperatorName, ...] = Field(default=get_args(OperatorName), min_length=1)
    """All by default. `*_solve_only`: without building P; `*_graph`: as a CUDA graph."""
    nodes: tuple[PositiveInt, ...] = (1024, 1936, 3600)
    classes: tuple[PositiveInt, ...] = (21,)
    embedding_dim: PositiveInt = 64
    batch: PositiveInt = 1
    repeats: PositiveInt = 7
    warmup: NonNegativeInt = 1
    backward: bool = True
    budget_s: PositiveFloat = 5.0
    """Seconds that one subject may take at one size; past it the row says so."""
    threads: Threads = 1
    """Of the CPU. How long several wait for each other depends on what else the machine does, most at small
    sizes, which bends curves."""


class LimitsConfig(Section):
    """How much of a benchmark to run."""

    runs: PositiveInt | None = None
    """Most runs, over all variants and seeds: whole variants, in their order, as long as they fit."""
    steps: PositiveInt | None = None
    """Most training steps, over all runs, in the same way."""
    gpu_hours: PositiveFloat | None = None
    """Hours that the trainings may take on a GPU, by the estimate, before a start asks for `yes`."""


class BenchmarkConfig(Section):
    """One file of `workflow/benchmarks/`."""

    title: str
    description: str = ""
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    timing: TimingConfig | Literal[False] = TimingConfig()
    """What is timed, and how; false: nothing is."""
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


RUN_BY = ("extends", "weights_of", "model", "train", "evaluate")
"""Keys of an ablation that its runs follow."""


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
    runs: bool = True
    """False: it is no variant, trains nothing and has no row; its `.smk` reads the results of others."""

    @field_validator("runs")
    @classmethod
    def _nothing_to_run(cls, runs: bool, info: ValidationInfo) -> bool:
        unused = [key for key in RUN_BY if info.data.get(key)]
        if not runs and unused:
            raise ValueError(f"where nothing is run, '{unused[0]}' changes nothing; leave one of them out")
        return runs
