"""Embeddings of a level: 1x1 convolution to D channels, batch norm, max-pooling to the grid of nodes.

B batch, D embedding, H W image size, h w grid, N = h*w nodes.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from difnet.models.node_grid import adaptive_max_pool


class Embedding(nn.Sequential):
    """The three steps one after the other, for maps of K channels.

    Args:
        inputs: K.
        embedding_dim: D.
    """

    def __init__(self, inputs: int, embedding_dim: int) -> None:
        super().__init__(nn.Conv2d(inputs, embedding_dim, 1), nn.BatchNorm2d(embedding_dim))

    def forward(self, maps: Tensor, grid: tuple[int, int]) -> Tensor:  # type: ignore[override]
        """(B, K, H, W) -> nodes (B, D, N)."""
        embedded: Tensor = super().forward(maps)  # type: ignore[no-untyped-call]
        return adaptive_max_pool(embedded, grid).flatten(2)


class ImageEmbedding(Embedding):
    """The same result for an image, whose D maps of full size are never kept.

    Convolution and batch norm are one affine map of the colours, y = V x + t. Mean and variance of the
    convolution's outputs follow from mean and covariance of the colours, and the largest y_d of a cell is
    that of one of its pixels: only these pixels take part in the gradient.

    Args:
        embedding_dim: D.
    """

    def __init__(self, embedding_dim: int) -> None:
        super().__init__(3, embedding_dim)

    def forward(self, images: Tensor, grid: tuple[int, int]) -> Tensor:  # type: ignore[override]
        """(B, 3, H, W) -> nodes (B, D, N), in single precision at least."""
        convolution, norm = cast(tuple[nn.Conv2d, nn.BatchNorm2d], tuple(self))
        if type(norm) is not nn.BatchNorm2d:  # one whose statistics are those of several processes
            return super().forward(images, grid)
        images = images.to(torch.promote_types(images.dtype, torch.float32))
        matrix, shift = _affine_map(convolution, norm, images)
        places = _largest(images, matrix, grid)
        colours = images.flatten(2).gather(2, places.flatten(1).unsqueeze(1).expand(-1, 3, -1))
        chosen = colours.view(-1, 3, *places.shape[1:])
        return torch.sum(matrix.mT.unsqueeze(-1) * chosen, dim=1) + shift.unsqueeze(-1)


def _affine_map(convolution: nn.Conv2d, norm: nn.BatchNorm2d, images: Tensor) -> tuple[Tensor, Tensor]:
    """V (D, 3) and t (D) of convolution and batch norm; in training the running statistics move on."""
    weight = convolution.weight.flatten(1)
    assert convolution.bias is not None and norm.running_mean is not None and norm.running_var is not None
    mean, variance = norm.running_mean, norm.running_var
    if norm.training:
        assert norm.num_batches_tracked is not None and norm.momentum is not None
        mean, variance = _statistics(weight, convolution.bias, images)
        pixels = images[:, 0].numel()
        with torch.no_grad():
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean.to(norm.running_mean), norm.momentum)
            norm.running_var.lerp_((variance * (pixels / (pixels - 1))).to(norm.running_var), norm.momentum)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale.unsqueeze(1) * weight, norm.bias + scale * (convolution.bias - mean)


def _statistics(weight: Tensor, bias: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (D) of weight (D, 3) times the colours plus bias (D), over batch and pixels.

    In double precision: colours are so correlated that the variance of their differences would cancel.
    """
    colours, exact = images.transpose(0, 1).flatten(1).double(), weight.double()
    centre = colours.mean(dim=1, keepdim=True)
    centred = colours - centre
    covariance = centred @ centred.mT / colours.shape[1]
    mean = (exact @ centre).squeeze(1) + bias
    variance = ((exact @ covariance) * exact).sum(dim=1)
    return mean.to(images.dtype), variance.to(images.dtype)


@torch.no_grad()
def _largest(images: Tensor, matrix: Tensor, grid: tuple[int, int]) -> Tensor:
    """Pixel at which each row of V (D, 3) times the colours is largest in each cell; (B, D, N) int64.

    One image at a time through the same memory, which stays in the cache, in channels-last order, for which
    PyTorch's pooling is vectorised. Autocast, which would round what is compared, leaves `out=` alone.
    """
    height, width = images.shape[2:]
    transposed = matrix.mT.to(images.dtype)
    maps = images.new_empty(height * width, len(matrix))
    pooled = maps.view(1, height, width, -1).permute(0, 3, 1, 2)
    places = []
    for colours in images.permute(0, 2, 3, 1).flatten(1, 2):
        torch.mm(colours, transposed, out=maps)
        places.append(adaptive_max_pool2d(pooled, grid, return_indices=True)[1])
    return torch.cat(places).flatten(2)
