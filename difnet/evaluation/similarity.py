"""Where the walks from one node lead.

D embedding, L levels, N nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from difnet.diffusion import cascade
from difnet.models.diffusion_rules import Cascade, DenseInverse, IterativeInverse


def similarity_rows(
    rule: Cascade | DenseInverse | IterativeInverse, levels: Sequence[Tensor], *, node: int
) -> Tensor:
    """Row `node` of every level's transition matrix, and of the whole diffusion.

    A walk is linear in its signal, so that the row of a node is the gradient of the node's new value: no
    N x N matrix is built.

    Args:
        rule: Diffusion of the network.
        levels: (1, D, N) each.
        node: The node, from 0.

    Returns:
        (L+1, N); how much the node takes from every other one, the last row for all of the diffusion.
    """
    never = torch.tensor(-math.inf, device=levels[0].device)
    with torch.enable_grad():
        signal = torch.ones_like(levels[0][:, :1]).requires_grad_()
        steps = [cascade([level], signal, [never], [never], transition=rule.transition) for level in levels]
        steps.append(rule(list(levels), signal))
        return torch.stack([torch.autograd.grad(step[0, 0, node], signal)[0][0, 0] for step in steps])
