"""Dilated ResNet with output stride 8, as in the authors' released implementation of DifNet.

Parameter names are those of torchvision's ResNet, so that its ImageNet weights load by name.
B batch, H W image size, K channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from difnet.models.backbone import Backbone


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, of which only the second is dilated."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, *, stride: int, dilation: int, downsample: nn.Module | None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + shortcut)  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """1x1, dilated 3x3 and 1x1 convolution, the stride in the first (in torchvision it is in the 3x3)."""

    expansion = 4

    def __init__(
        self, inputs: int, width: int, *, stride: int, dilation: int, downsample: nn.Module | None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + shortcut)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ResNetShape:
    """Block type, blocks a layer, and channels inside the blocks of the first layer."""

    block: type[BasicBlock] | type[Bottleneck]
    blocks: tuple[int, int, int, int]
    width: int = 64
    factor: float = 1.0
    """Multiplies all channels."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels inside the blocks of layer1 to layer4; whole numbers, at least 1."""
        return tuple(max(1, round(self.factor * self.width * 2**layer)) for layer in range(4))

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that layer1 to layer4 return."""
        return tuple(width * self.block.expansion for width in self.widths)

    def make(self, depth: int = 4) -> DilatedResNet:
        """A ResNet of so many of the four layers."""
        return DilatedResNet(self, depth=depth)


RESNETS = {
    "nano": ResNetShape(BasicBlock, (1, 1, 1, 1), width=16),
    "18": ResNetShape(BasicBlock, (2, 2, 2, 2)),
    "34": ResNetShape(BasicBlock, (3, 4, 6, 3)),
    "50": ResNetShape(Bottleneck, (3, 4, 6, 3)),
    "101": ResNetShape(Bottleneck, (3, 4, 23, 3)),
    "152": ResNetShape(Bottleneck, (3, 8, 36, 3)),
}
SEED_RESNET_OF_18_50 = ResNetShape(BasicBlock, (3, 2, 2, 2))


class DilatedResNet(Backbone):
    """ResNet whose layers 3 and 4 keep the resolution of layer 2 (stride 8) and dilate by 2 and 4 instead.

    Args:
        shape: Blocks and widths.
        depth: How many of the four layers to build.
    """

    def __init__(self, shape: ResNetShape, *, depth: int = 4) -> None:
        super().__init__()
        inputs = shape.widths[0]
        self.conv1 = nn.Conv2d(3, inputs, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.depth = depth
        for index, (stride, dilation) in enumerate(((1, 1), (2, 1), (1, 2), (1, 4))[:depth]):
            outputs = shape.channels[index]
            blocks: list[nn.Module] = []
            for position in range(shape.blocks[index]):
                first = position == 0
                project = first and (stride > 1 or inputs != outputs or dilation > 1)
                blocks.append(
                    shape.block(
                        inputs,
                        shape.widths[index],
                        stride=stride if first else 1,
                        dilation=dilation,
                        downsample=_projection(inputs, outputs, stride) if project else None,
                    )
                )
                inputs = outputs
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))

    def compute(self, images: Tensor) -> list[Tensor]:
        """Layers of images (B, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        features = []
        for index in range(self.depth):
            x = self.get_submodule(f"layer{index + 1}")(x)
            features.append(x)
        return features

    def needs(self, name: str, tensor: Tensor) -> bool:
        """Convolutions, but for projections, which torchvision's network may lack in layers 3 and 4."""
        return tensor.ndim == 4 and "downsample" not in name

    def up_to(self, layer: int) -> Iterable[nn.Module]:
        """The stem and its layers."""
        layers = [self.get_submodule(f"layer{index + 1}") for index in range(min(layer, self.depth))]
        return [self.conv1, self.bn1, *layers]


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False),
        nn.BatchNorm2d(outputs),
    )
