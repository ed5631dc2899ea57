"""Given initial weights for the ResNets of both branches: torchvision's, or those of a file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from difnet.config import InputError
from difnet.models.resnet import DilatedResNet
from difnet.models.weight_file import read_weights


def load_given_weights(network: nn.Module, weights: str) -> None:
    """Load weights in torchvision's names into every ResNet of a network that they fit.

    They fit a ResNet when they hold all its convolutions, but for the projections in the first blocks of
    layers 3 and 4 that torchvision's network may lack; those keep their initial values. The classifier (`fc`)
    is left out. Of difnet-18-50, ResNet-50 weights fit the similarity branch alone.

    Args:
        network: A DifNet or DeepLab.
        weights: Name of a torchvision enum member (`ResNet50_Weights.IMAGENET1K_V1`), or a local file.

    Raises:
        InputError: If the weights cannot be found, or fit none of the network's ResNets.
    """
    state = _read(weights)
    fitted = [
        _load_if_fitting(module, state) for module in network.modules() if isinstance(module, DilatedResNet)
    ]
    if not any(fitted):
        raise InputError(
            f"model.weights: {weights} does not fit the ResNet of this network; give weights of its depth, "
            "for which '{depth}' stands in the name of a file"
        )


def _load_if_fitting(resnet: DilatedResNet, state: dict[str, Tensor]) -> bool:
    own = resnet.state_dict()
    fitting = {name: state[name] for name in own if name in state and own[name].shape == state[name].shape}
    needed = [name for name, tensor in own.items() if tensor.ndim == 4 and "downsample" not in name]
    if not all(name in fitting for name in needed):
        return False
    resnet.load_state_dict({**own, **fitting})
    return True


def _read(weights: str) -> dict[str, Tensor]:
    path = Path(weights)
    if path.is_file():
        return read_weights(path)
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
