"""Where the walks of a trained network lead: the state after every level, and what a node takes from others.

B batch, C classes, D embedding, L levels, N = h*w nodes, M merged nodes (at most `MOST_NODES`).

Any diffusion rule takes part that declares itself, see `difnet.models.Diffusion`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from difnet.data import VOID
from difnet.diffusion import SOFTMAX, Transition, cascade
from difnet.evaluation.forward_pass import ForwardPass
from difnet.models.rule_protocol import apply_rule, check_linear, states_of

MOST_NODES = 400
"""Larger grids are merged into blocks, so that all rows of five levels stay below a megabyte."""


def similarity_rows(rule: nn.Module, levels: list[Tensor], *, node: int) -> Tensor:
    """Row `node` of every level's transition matrix, and of the whole diffusion.

    A walk is linear in its signal, so that the row of a node is the gradient of the node's new value: no
    N x N matrix is built.

    Args:
        rule: Diffusion of the network, linear in the seeds.
        levels: (1, D, N) each.
        node: The node, from 0.

    Returns:
        (L+1, N); how much the node takes from every other one, the last row for all of the diffusion.

    Raises:
        InputError: If the rule is not linear, as its class declares.
    """
    with torch.enable_grad():
        signal = torch.ones_like(levels[0][:, :1]).requires_grad_()
        steps = _steps(rule, levels, signal)
        return torch.stack([torch.autograd.grad(step[0, 0, node], signal)[0][0, 0] for step in steps])


def _steps(rule: nn.Module, levels: list[Tensor], signal: Tensor) -> list[Tensor]:
    """The signal (1, C, N) after one step along each level, and after all of the diffusion."""
    check_linear(rule, levels)
    never = torch.tensor(-math.inf, device=signal.device)
    kind = getattr(rule, "transition", None)
    transition = kind if isinstance(kind, Transition) else SOFTMAX
    steps = [cascade([level], signal, [never], [never], transition=transition) for level in levels]
    return [*steps, apply_rule(rule, levels, signal)]


@torch.inference_mode()
def level_states(rule: nn.Module, record: ForwardPass, grid: tuple[int, int]) -> NDArray[np.uint8]:
    """The most likely class of every node after the walks of one level, two levels, ...

    Args:
        rule: Diffusion of the network, with `states`.
        record: Its inputs, of one image.
        grid: Height and width (h, w) of the node grid.

    Returns:
        (L, h, w).

    Raises:
        InputError: If a rule of the user's own has wrong states.
    """
    assert record.seeds is not None
    states = torch.stack(states_of(rule, record.levels, record.seeds))[:, 0]
    return states.argmax(dim=1).reshape(-1, *grid).to(torch.uint8).cpu().numpy()


@dataclass(frozen=True)
class Walks:
    """One step at every level from every merged node, and all of the diffusion at once as the last entry."""

    grid: tuple[int, int]
    rows: NDArray[np.uint8]
    """(L+1, M, M); a row i is 255 * sqrt(p_ij / peak_i)."""
    peak: NDArray[np.float32]
    """(L+1, M), the largest entry of every row."""
    mass: NDArray[np.float32]
    """(L+1, M), sum_j p_ij importance_j; nan without importance map."""
    same: NDArray[np.float32]
    """(L+1, M), share of the walk that ends on nodes of the same true class; nan where the node is void."""
    classes: NDArray[np.uint8]
    """(M,), the most frequent true class of every node; 255 where all is void."""


@torch.inference_mode()
def walks(rule: nn.Module, record: ForwardPass, *, grid: tuple[int, int], truth: NDArray[np.uint8]) -> Walks:
    """Transition rows of one image between merged nodes.

    Blocks of nodes are merged where there are more than `MOST_NODES`: the rows of a block are averaged, their
    entries within a block summed, so that rows still sum to 1.

    Args:
        rule: Diffusion of the network, linear in the seeds.
        record: Its inputs, of one image.
        grid: Height and width (h, w) of the node grid.
        truth: (H, W), void = 255.

    Raises:
        InputError: If the rule is not linear, as its class declares.
    """
    assert record.seeds is not None and record.prediction is not None
    merged, blocks = merged_grid(grid)
    count = merged[0] * merged[1]
    importance = record.prediction.importance
    member = torch.nn.functional.one_hot(torch.from_numpy(blocks), count).T.to(record.seeds)
    extra = torch.zeros_like(member[:1]) if importance is None else importance.reshape(1, -1).to(member)
    signal = torch.cat([member, extra])[None]
    steps = _steps(rule, record.levels, signal)
    mean_of_block = member / member.sum(dim=1, keepdim=True)
    taken = torch.stack([step[0] @ mean_of_block.T for step in steps]).transpose(1, 2).cpu().double().numpy()
    rows = taken[:, :, :count]
    mass = np.full(rows.shape[:2], np.nan) if importance is None else taken[:, :, count]
    peak = rows.max(axis=2)
    classes = node_classes(truth, merged)
    equal = classes[:, None] == classes[None, :]
    same = np.where(classes == VOID, np.nan, (rows * equal).sum(axis=2))
    shares = rows / np.maximum(peak, np.finfo(peak.dtype).tiny)[..., None]
    return Walks(
        grid=merged,
        rows=np.round(255 * np.sqrt(np.clip(shares, 0, 1))).astype(np.uint8),
        peak=peak.astype(np.float32),
        mass=mass.astype(np.float32),
        same=same.astype(np.float32),
        classes=classes,
    )


def merged_grid(grid: tuple[int, int]) -> tuple[tuple[int, int], NDArray[np.int64]]:
    """A grid of at most `MOST_NODES` blocks, and the block of every node.

    Returns:
        Height and width in blocks, and (N,).
    """
    height, width = grid
    side = math.ceil(math.sqrt(height * width / MOST_NODES))
    rows, columns = math.ceil(height / side), math.ceil(width / side)
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    return (rows, columns), (down[:, None] * columns + across[None, :]).ravel()


def node_classes(truth: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.uint8]:
    """The most frequent class among the labelled pixels of every node: (H, W) -> (M,), 255 where none is."""
    height, width = truth.shape
    down, across = np.arange(height) * grid[0] // height, np.arange(width) * grid[1] // width
    nodes = down[:, None] * grid[1] + across[None, :]
    counts = np.zeros((grid[0] * grid[1], VOID), dtype=np.int64)
    labelled = truth != VOID
    np.add.at(counts, (nodes[labelled], truth[labelled]), 1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), VOID).astype(np.uint8)
