"""Copies of the rows of history.csv for experiment trackers: one function a tracker, which opens it.

Each has its own place and environment variables (`WANDB_DIR`, `MLFLOW_TRACKING_URI`,
`TRACKIO_DIR`, ...). A training that is continued goes on in the same run of the tracker; rows since its
last checkpoint come twice where the tracker keeps both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from difnet.config import InputError, RunConfig
from difnet.tables import HistoryRow
from difnet.training.distributed import process_rank

Write = Callable[[HistoryRow], None]
PROJECT = "difnet"
"""Name of the project or experiment in a tracker."""


@contextmanager
def open_loggers(config: RunConfig, out: Path, *, step: int) -> Iterator[Write]:
    """A function that writes a row to every tracker of `train.logger`; the first process alone does.

    Args:
        config: Of the run.
        out: Run directory.
        step: Steps done; what an interrupted sitting wrote after them is dropped where the tracker can.
    """
    with ExitStack() as stack:
        names = [name for name in config.train.logger if name in LOGGERS and process_rank() == 0]
        writers = [stack.enter_context(LOGGERS[name](config, out, step)) for name in names]

        def write(row: HistoryRow) -> None:
            for writer in writers:
                writer(row)

        yield write


def check_loggers(config: RunConfig) -> None:
    """Require the trackers that a run names.

    Raises:
        InputError: If one is not installed.
    """
    for name in config.train.logger:
        if name in LOGGERS and name != "tensorboard" and find_spec(name) is None:
            raise InputError(f"train.logger: {name} is not installed; pip install {name}, or leave it out")


def run_name(config: RunConfig) -> str:
    """Name of a run in a tracker, the same whenever it is continued."""
    return f"{config.benchmark}-{config.variant}-seed{config.seed}-{config.training_identity()}"


def _values(row: HistoryRow) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(row).items() if name != "step"}


@contextmanager
def _tensorboard(config: RunConfig, out: Path, step: int) -> Iterator[Write]:
    if find_spec("tensorboard") is None:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(out / "tensorboard"), purge_step=step + 1) as writer:

        def write(row: HistoryRow) -> None:
            for name, value in _values(row).items():
                writer.add_scalar(name, value, row.step)

        yield write


@contextmanager
def _wandb(config: RunConfig, out: Path, step: int) -> Iterator[Write]:
    """Offline unless `WANDB_MODE` says otherwise: a job has nobody to ask for a key; `wandb sync` uploads."""
    import wandb

    with wandb.init(
        project=PROJECT,
        group=config.benchmark,
        name=f"{config.variant} seed {config.seed}",
        id=run_name(config),
        config=config.model_dump(mode="json"),
        mode=os.environ.get("WANDB_MODE", "offline"),
        resume="allow",
        settings=wandb.Settings(silent=True),
    ) as run:
        yield lambda row: run.log(_values(row), step=row.step)


@contextmanager
def _mlflow(config: RunConfig, out: Path, step: int) -> Iterator[Write]:
    from mlflow import MlflowClient

    client, name = MlflowClient(), run_name(config)
    experiment = client.get_experiment_by_name(PROJECT)
    where = experiment.experiment_id if experiment else client.create_experiment(PROJECT)
    found = client.search_runs([where], f"tags.`mlflow.runName` = '{name}'", max_results=1)
    run = found[0] if found else client.create_run(where, run_name=name)
    identifier = run.info.run_id
    if not found:
        for section in ("data", "model", "train", "evaluate"):
            for key, value in getattr(config, section).model_dump(mode="json").items():
                client.log_param(identifier, f"{section}.{key}", value)

    def write(row: HistoryRow) -> None:
        for metric, value in _values(row).items():
            client.log_metric(identifier, metric, value, step=row.step)

    try:
        yield write
    except BaseException:
        client.set_terminated(identifier, "KILLED")
        raise
    client.set_terminated(identifier, "FINISHED")


@contextmanager
def _trackio(config: RunConfig, out: Path, step: int) -> Iterator[Write]:
    import trackio

    values = config.model_dump(mode="json")
    run = trackio.init(PROJECT, name=run_name(config), config=values, resume="allow", embed=False)
    try:
        yield lambda row: run.log(_values(row), step=row.step)
    finally:
        run.finish()


LOGGERS: Mapping[str, Callable[[RunConfig, Path, int], AbstractContextManager[Write]]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
    "trackio": _trackio,
}
