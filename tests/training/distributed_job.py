"""A process of `test_distributed`: as `difnet`, but one process signals itself before a step.

Arguments: rank of that process, step, name of the signal, then those of `difnet`.
"""

from __future__ import annotations

import os
import signal
import sys

import torch

from difnet.cli.main import main
from difnet.training import loop
from difnet.training.distributed import process_rank

rank, step, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
del sys.argv[1:4]
plain = loop.training_step


def training_step(*arguments: object, **keywords: object) -> torch.Tensor:
    if (process_rank(), keywords["step"]) == (rank, step):
        os.kill(os.getpid(), signal.Signals[name])
    return plain(*arguments, **keywords)


loop.training_step = training_step
main()
