"""DifNet, its baseline Sim-DeepLab and the training-free floor."""

from difnet.models.build import build, build_from_config, load_network, parameter_count
from difnet.models.difnet import DeepLab, DifNet, Prediction
from difnet.models.official import from_official
from difnet.models.pixel_prior import PixelPrior
from difnet.models.rule_protocol import Diffusion

__all__ = [
    "DeepLab",
    "DifNet",
    "Diffusion",
    "PixelPrior",
    "Prediction",
    "build",
    "build_from_config",
    "from_official",
    "load_network",
    "parameter_count",
]
