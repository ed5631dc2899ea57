"""The operators that are timed, each as one function of the features and the seeds.

Dimension letters: B batch, C classes, D embedding, L levels, N nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from difnet.diffusion import cascade, dense_inverse, iterative_inverse, random_walk, transition_matrix
from difnet.diffusion.lu_backends import Backend

RESTART = 0.1
TOLERANCE = 1e-5

Operator = Callable[[Sequence[Tensor], Tensor], Tensor]


@dataclass(frozen=True)
class Subject:
    """One timed operator.

    Attributes:
        name: the `subject` of timing.csv.
        operator: (inputs, seeds (B, C, N)) -> (B, C, N).
        inputs: what the operator is given: levels (B, D, N), or a transition matrix built beforehand.
        devices: device types it runs on.
        dtypes: dtypes it is timed in on a GPU; on the CPU float32 alone.
        matrices: N x N matrices a batch item that it holds at once in forward, and in forward and backward.
        exponent: growth of its time with N, by which a run over the time budget is foreseen.
        follows_features: whether its time depends on the values that it is given.
        backward: whether forward and backward together are timed as well.
        graph: whether it is timed as a CUDA graph, forward and its latency alone.
        obstacle: why it cannot be measured; empty where it can.
    """

    name: str
    operator: Operator
    inputs: str
    devices: tuple[str, ...] = ("cpu", "cuda")
    dtypes: tuple[torch.dtype, ...] = (torch.float32,)
    matrices: tuple[int, int] = (0, 0)
    exponent: int = 2
    follows_features: bool = True
    backward: bool = True
    graph: bool = False
    obstacle: str = ""


def _plain_walk(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
    features = levels[0]
    return seeds @ torch.softmax(features.mT @ features, dim=-1).mT


def _fused_walk(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
    return random_walk(levels[0], seeds)


def _cascade(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
    return cascade(levels, seeds, [0.0] * len(levels), [0.0] * len(levels))


def _dense(levels: Sequence[Tensor], seeds: Tensor, *, backend: Backend) -> Tensor:
    return dense_inverse(transition_matrix(levels[0]), seeds, RESTART, backend)


def _dense_solve(transition: Sequence[Tensor], seeds: Tensor, *, backend: Backend) -> Tensor:
    return dense_inverse(transition[0], seeds, RESTART, backend)


def _iterative(levels: Sequence[Tensor], seeds: Tensor) -> Tensor:
    return iterative_inverse(levels[0], seeds, RESTART, TOLERANCE)


def _dense_subjects(backend: Backend, devices: tuple[str, ...]) -> list[Subject]:
    name = f"dense_inverse_{backend}"
    shared: dict[str, Any] = {"devices": devices, "exponent": 3, "follows_features": False}
    return [
        Subject(name, partial(_dense, backend=backend), "levels", matrices=(3, 5), **shared),
        Subject(
            f"{name}_solve_only",
            partial(_dense_solve, backend=backend),
            "transition",
            matrices=(3, 4),
            backward=False,
            **shared,
        ),
    ]


_WALK_DTYPES = (torch.float32, torch.bfloat16)

SUBJECTS = (
    Subject(
        *("plain_walk", _plain_walk, "levels"),
        dtypes=_WALK_DTYPES,
        matrices=(2, 4),
        follows_features=False,
    ),
    Subject("fused_walk", _fused_walk, "levels", dtypes=_WALK_DTYPES),
    Subject("cascade", _cascade, "levels", dtypes=_WALK_DTYPES),
    Subject("cascade_graph", _cascade, "levels", devices=("cuda",), graph=True),
    *_dense_subjects("cupy", ("cuda",)),
    Subject(
        *("dense_inverse_graph", partial(_dense, backend="auto"), "levels", ("cuda",)),
        graph=True,
        obstacle="it looks at its residual, which no CUDA graph can",
    ),
    *_dense_subjects("scipy", ("cpu",)),
    *_dense_subjects("torch", ("cpu", "cuda")),
    Subject("iterative_inverse", _iterative, "levels"),
)
