"""This command in several processes: as `torchrun` starts them, but with their exit code and lines alone."""

from __future__ import annotations

import logging
import sys
import uuid

from difnet.config import PreemptedError, RunError

FORWARDED = ("SIGTERM", "SIGUSR1")
"""Signals that ask a training to stop; they go on to every process."""


def run_processes(count: int) -> None:
    """Start this command `count` times and wait; if one process fails, the others are ended.

    Raises:
        SystemExit: With the exit code of the process that failed first, or of a training asked to stop.
        RunError: If a process was killed.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        signals_to_handle=",".join(FORWARDED),
    )
    try:
        elastic_launch(launch, sys.executable)("-m", "difnet", *sys.argv[1:])
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            raise RunError(
                f"process {rank + 1} of {count} was killed by {failure.signal_name()}; the same command "
                "continues from the last checkpoint"
            ) from error
        sys.exit(failure.exitcode)
    except (SignalException, KeyboardInterrupt):
        sys.exit(PreemptedError.exit_code)
