"""Diffusion operators: transition matrices, random walks, the cascade, and the inverse it approximates."""

from difnet.diffusion.cascade import cascade
from difnet.diffusion.dense import dense_inverse
from difnet.diffusion.iterative import IterativeSolution, iterative_inverse, iterative_solve
from difnet.diffusion.transition import (
    SOFTMAX,
    CosineTransition,
    DoublyStochasticTransition,
    SoftmaxTransition,
    TopKTransition,
    Transition,
    make_transition,
    transition_matrix,
)
from difnet.diffusion.walk import random_walk

__all__ = [
    "SOFTMAX",
    "CosineTransition",
    "DoublyStochasticTransition",
    "IterativeSolution",
    "SoftmaxTransition",
    "TopKTransition",
    "Transition",
    "cascade",
    "dense_inverse",
    "iterative_inverse",
    "iterative_solve",
    "make_transition",
    "random_walk",
    "transition_matrix",
]
