"""ImageNet weights of torchvision for the ResNets of both branches."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from difnet.config import InputError
from difnet.models.resnet import DilatedResNet


def load_imagenet(network: nn.Module, weights: str) -> None:
    """Load ImageNet weights into every ResNet of a network.

    The classifier (`fc`) is left out. Where a first block of layer 3 or 4 has a projection that torchvision's
    network lacks, or the shapes differ (the seed ResNet of 18-50), the initial values stay.

    Args:
        network: A DifNet or DeepLab.
        weights: Name of a torchvision enum member (`ResNet50_Weights.IMAGENET1K_V1`), or a local file.

    Raises:
        InputError: If the weights cannot be found, or fit none of the network's ResNets.
    """
    state = _read(weights)
    resnets = [module for module in network.modules() if isinstance(module, DilatedResNet)]
    for resnet in resnets:
        own = resnet.state_dict()
        fitting = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
        if not any(key.startswith("layer4") for key in fitting) and resnet.depth == 4:
            raise InputError(
                f"model.weights: {weights} does not fit the ResNet of this network; choose its depth"
            )
        resnet.load_state_dict({**own, **fitting})


def _read(weights: str) -> dict[str, Tensor]:
    path = Path(weights)
    if path.is_file():
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    from torchvision.models import get_weight

    try:
        return dict(get_weight(weights).get_state_dict(progress=False, check_hash=True))
    except ValueError as error:
        raise InputError(
            f"model.weights: '{weights}' is neither a file nor a torchvision weights enum "
            "such as ResNet50_Weights.IMAGENET1K_V1"
        ) from error
    except OSError as error:
        raise InputError(
            f"model.weights: {weights} could not be downloaded ({error}); give a local file instead"
        ) from error
