"""Fair timing of diffusion operators and networks, and how the cost grows with the number of nodes."""

from difnet.timing.benchmark import join_parts, time_benchmark
from difnet.timing.growth import fit_growth
from difnet.timing.networks import time_networks
from difnet.timing.operators import time_operators

__all__ = ["fit_growth", "join_parts", "time_benchmark", "time_networks", "time_operators"]
