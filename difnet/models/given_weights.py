"""Given initial weights for the backbones: torchvision's, timm's, a package's, or those of a file."""

from __future__ import annotations

import logging
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor, nn

from difnet.config import BranchWeights, InputError
from difnet.config.backbones import TIMM
from difnet.config.initial_weights import PACKAGED, PACKAGES
from difnet.models.backbone import Backbone
from difnet.models.timm_backbone import TimmBackbone
from difnet.models.weight_file import read_weights


def load_given_weights(network: nn.Module, weights: str | BranchWeights) -> None:
    """Load weights into the backbones of a network.

    One value is for every backbone that it fits: of difnet-18-50, ResNet-50 weights fit the similarity branch
    alone. A value for one branch must fit it.

    Args:
        network: A DifNet or DeepLab.
        weights: Name of a torchvision enum member (`ResNet50_Weights.IMAGENET1K_V1`) or of weights of timm's
            hub (`timm/NAME.TAG`), `packaged`, or a local file; or one of these a branch.

    Raises:
        InputError: If the weights cannot be found, or fit none of the network's backbones.
    """
    if isinstance(weights, BranchWeights):
        given = [(getattr(network, branch, None), value) for branch, value in weights]
    else:
        given = [(network, weights)]
    for part, value in given:
        backbones = [module for module in part.modules() if isinstance(module, Backbone)] if part else []
        if value is None or not backbones:
            continue
        state = _read(value, backbones[0])
        fitted = [_load_if_fitting(backbone, state) for backbone in backbones]
        if not any(fitted):
            raise InputError(
                f"model.weights: {value} does not fit the backbone of this network; give weights of the same "
                "one (of a ResNet of the same depth, for which '{depth}' stands in the name of a file)"
            )


def _load_if_fitting(backbone: Backbone, state: dict[str, Tensor]) -> bool:
    """Whether these are weights of the backbone, which then has them; what is not needed keeps its values."""
    holder = backbone.weight_holder
    own = holder.state_dict()
    fitting = {name: state[name] for name in own if name in state and own[name].shape == state[name].shape}
    if not all(name in fitting for name, tensor in own.items() if backbone.needs(name, tensor)):
        return False
    holder.load_state_dict({**own, **fitting})
    return True


def _read(weights: str, backbone: Backbone) -> dict[str, Tensor]:
    path = Path(weights)
    if path.is_file():
        return read_weights(path)
    if weights == PACKAGED and isinstance(backbone, TimmBackbone):
        return packaged_weights(backbone.name)
    if weights.startswith(TIMM):
        return _of_timm(weights)
    return _of_torchvision(weights)


def packaged_weights(name: str) -> dict[str, Tensor]:
    """ImageNet weights that a package holds under names of its own, in the order of timm's."""
    import timm

    (file,) = Path(str(files(PACKAGES[name]))).glob("models/*.pth")
    state = read_weights(file)
    tensors = [tensor for tensor in state.values() if tensor.ndim]
    with torch.device("meta"):
        names = [
            own
            for own, tensor in timm.create_model(name.removeprefix(TIMM)).state_dict().items()
            if tensor.ndim
        ]
    return dict(zip(names, tensors, strict=True))


def _of_timm(weights: str) -> dict[str, Tensor]:
    """Weights of timm's hub, downloaded once; its client tries for a minute, and tells of every try."""
    client = logging.getLogger("huggingface_hub")
    level = client.level
    client.setLevel(logging.CRITICAL)
    try:
        return TimmBackbone(weights, pretrained=True).weight_holder.state_dict()
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"model.weights: {weights} could not be downloaded from huggingface.co ({type(error).__name__}); "
            "give a local file instead, or set HF_HUB_OFFLINE=1 where it has been downloaded before"
        ) from error
    finally:
        client.setLevel(level)


def _of_torchvision(weights: str) -> dict[str, Tensor]:
    from torchvision.models import get_weight

    try:
        return dict(get_weight(weights).get_state_dict(progress=False, check_hash=True))
    except (ValueError, KeyError) as error:
        raise InputError(
            f"model.weights: '{weights}' is neither a file nor a torchvision weights enum "
            "such as ResNet50_Weights.IMAGENET1K_V1; for pretext give the file that 'difnet pretext' makes"
        ) from error
    except OSError as error:
        raise InputError(
            f"model.weights: {weights} could not be downloaded ({error}); give a local file instead"
        ) from error
