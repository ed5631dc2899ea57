"""DifNet, its baseline Sim-DeepLab and the training-free floor."""

from difnet.models.build import NAMES, build, build_from_config
from difnet.models.custom import Diffusion
from difnet.models.difnet import DeepLab, DifNet, Prediction
from difnet.models.official import from_official
from difnet.models.pixel_prior import PixelPrior
from difnet.models.temperature import transition_of
from difnet.models.trained import load_network
from difnet.models.width import parameter_count

__all__ = [
    "NAMES",
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
    "transition_of",
]
