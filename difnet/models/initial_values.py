"""Initial values: what every module starts from, and which random numbers its values are drawn with.

A module draws from (seed, its name) alone, so networks of one seed are equal in all that they share, whatever
else one of them holds. Batch norms start as the identity, scalars where their module says; neither is random.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Generator, nn

from difnet.models.resnet import DilatedResNet
from difnet.models.seed_branch import ASPP, ImportanceMap
from difnet.models.similarity_branch import SimilarityBranch
from difnet.models.timm_backbone import TimmBackbone

Start = Callable[[nn.Conv2d, Generator], None]


def he_normal(convolution: nn.Conv2d, generator: Generator) -> None:
    """Weights: normal with deviation sqrt(2 / fan out) (He et al. 2015). Bias: as PyTorch."""
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    _uniform_bias(convolution, generator)


def narrow_normal(convolution: nn.Conv2d, generator: Generator) -> None:
    """Weights: normal with deviation 0.01 (DeepLab v2). Bias: as PyTorch."""
    nn.init.normal_(convolution.weight, std=0.01, generator=generator)
    _uniform_bias(convolution, generator)


def uniform(convolution: nn.Conv2d, generator: Generator) -> None:
    """Weights and bias: uniform within 1 / sqrt(fan in), PyTorch's default."""
    nn.init.kaiming_uniform_(convolution.weight, a=math.sqrt(5), generator=generator)
    _uniform_bias(convolution, generator)


STARTS: dict[type[nn.Module], Start] = {
    DilatedResNet: he_normal,
    ASPP: narrow_normal,
    ImportanceMap: uniform,
    SimilarityBranch: uniform,
}
"""How the convolutions of each part start; of its ResNet those of a similarity branch start as a ResNet's."""


def set_initial_values(network: nn.Module, seed: int, *, aspp_start: str = "narrow") -> None:
    """Draw all convolutions of a network; what timm or the user has written keeps its constructor's values.

    Args:
        network: Its parts are those of `STARTS`.
        seed: Of the run.
        aspp_start: Of the classifier: narrow; or he, as a ResNet's. In the authors' code the loop over the
            convolutions of their ResNet, which holds the classifier, overwrites the narrow values.
    """
    starts = STARTS | {ASPP: he_normal} if aspp_start == "he" else STARTS
    constructed = {
        module for part in network.modules() if isinstance(part, TimmBackbone) for module in part.modules()
    }
    for part_name, part in network.named_modules():  # outer parts first, so the innermost has the last word
        if start := starts.get(type(part)):
            for name, module in part.named_modules(prefix=part_name):
                if isinstance(module, nn.Conv2d) and module not in constructed and not module.weight.is_meta:
                    start(module, Generator().manual_seed(named_seed(seed, name)))


@contextmanager
def named_random_numbers(seed: int, name: str) -> Iterator[None]:
    """Within it PyTorch's own random numbers, which constructors draw from, are those of (seed, name)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(seed, name))
        yield


def named_seed(seed: int, name: str) -> int:
    """The seed of a name: the same in every process and version, and unrelated to those of other names."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8]) >> 1


def _uniform_bias(convolution: nn.Conv2d, generator: Generator) -> None:
    if convolution.bias is not None:
        bound = 1 / math.sqrt(convolution.weight[0].numel())
        nn.init.uniform_(convolution.bias, -bound, bound, generator=generator)
