"""Fair timing of the diffusion operators, and how their cost grows with the number of nodes."""

from difnet.timing.growth import fit_growth
from difnet.timing.operators import time_operators

__all__ = ["fit_growth", "time_operators"]
