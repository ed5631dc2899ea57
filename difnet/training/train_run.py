"""One run: from its configuration and prepared data to weights, history and environment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import torch

from difnet.config import InputError, RunConfig, RunFolder
from difnet.data import load_prepared
from difnet.data.requirements import check_memory, check_run
from difnet.machine.locking import alone_in
from difnet.models import PixelPrior, build_from_config
from difnet.training.best_weights import check_selection
from difnet.training.checkpoint import claim_directory, run_identity
from difnet.training.device import choose_device, use_deterministic, use_threads
from difnet.training.distributed import by_first, joined_processes, process_count, process_rank
from difnet.training.failures import explained, require_labels
from difnet.training.history import History
from difnet.training.loggers import check_loggers
from difnet.training.loop import run_steps
from difnet.training.recipe import make_optimiser
from difnet.training.results import outcome, write_results
from difnet.training.state import TrainingState
from difnet.training.step_memory import check_step
from difnet.training.transfer import find_other, take_weights


def train_run(
    config: RunConfig,
    *,
    data: Path,
    out: Path,
    command: str,
    sources: Mapping[str, str] | None = None,
    overwrite: bool = False,
    weights_from: Path | None = None,
    pretext: Path | None = None,
) -> None:
    """Train one run, or continue it where its checkpoint stands, and write its files into `out`.

    Started by `torchrun`, each process computes its part of every batch and the first writes the files.
    A run with `weights_of` takes no step: its weights are those of the other run.

    Args:
        config: The resolved configuration.
        data: Folder of the prepared data set.
        out: Run directory: `config.yaml`, `weights.safetensors`, `history.csv`, `environment.json` and,
            to resume from, `checkpoint.pt` and `checkpoint.previous.pt`.
        command: The command that repeats this run, for the report.
        sources: Text of the ablation files behind it by name, kept beside the run.
        overwrite: Start again where `out` holds the checkpoint of another run; a finished one is moved aside.
        weights_from: Directory of the run that `weights_of` names; None for `out/../../OTHER/seed<k>`.
        pretext: File of the weights that `model.weights: pretext` stands for.

    Raises:
        InputError: If the configuration does not fit the data, `out` cannot be written, or the other run's
            weights are missing or do not fit.
        RunError: If the training fails; it says on one line what to do.
        PreemptedError: If SIGTERM or SIGUSR1 asked to stop, or the workflow that started it is gone.
    """
    check_loggers(config)
    use_deterministic(config.train.deterministic)
    with (
        joined_processes(config.train),
        alone_in(out) if process_rank() == 0 else nullcontext(),
        explained(out),
    ):
        _train(
            config,
            data=data,
            out=out,
            command=command,
            sources=sources or {},
            overwrite=overwrite,
            weights_from=weights_from,
            pretext=pretext,
        )


def _train(
    config: RunConfig,
    *,
    data: Path,
    out: Path,
    command: str,
    sources: Mapping[str, str],
    overwrite: bool,
    weights_from: Path | None,
    pretext: Path | None,
) -> None:
    device = choose_device()
    use_threads(config.train.threads)
    prepared = load_prepared(data)
    check_run(config, prepared.index)
    check_memory(config, prepared.index)
    check_step(config, prepared.index)
    check_selection(config, prepared)
    require_labels(prepared.split("train"), "train")
    identity = run_identity(config, prepared.index.sha256)
    by_first(lambda: _make_room(out, identity, overwrite=overwrite))
    contents = by_first(
        lambda: claim_directory(out, identity=identity, steps=config.train.steps, overwrite=overwrite)
    )
    torch.manual_seed(config.seed)
    model = config.model if pretext is None else config.model.model_copy(update={"weights": str(pretext)})
    network = build_from_config(model, len(prepared.index.classes), seed=config.seed).to(device)
    if config.weights_of is not None:
        take_weights(network, find_other(config, out=out, source=weights_from))
    by_first(lambda: RunFolder(out).write_config(config, sources))
    facts = {
        "identity": identity,
        "recipe": config.training_identity(),
        "wall_s": 0.0,
        "processes": process_count(),
        "data_sha256": prepared.index.sha256,
        "classes": dict(zip(prepared.index.classes, prepared.index.palette, strict=True)),
        "command": command,
    }
    history = History()
    if isinstance(network, PixelPrior):
        split = prepared.split("train")
        network.fit(torch.from_numpy(split.label(index).copy()) for index in range(len(split)))
    elif config.weights_of is None:
        state = TrainingState(network, make_optimiser(network, config.train))
        if contents is not None:
            state.restore(contents)
        run_steps(state, config, prepared, identity=identity, out=out)
        history = state.history
        facts |= outcome(state, config, out=out)
    by_first(lambda: write_results(network, out=out, facts=facts, history=history))


def _make_room(out: Path, identity: str, *, overwrite: bool) -> None:
    """Set aside a finished run of another configuration, data or code.

    Raises:
        InputError: If there is one, and `overwrite` is not set; or what is there is no run.
    """
    folder = RunFolder(out)
    folder.check_ours()
    if folder.finished and folder.identity != identity:
        if not overwrite:
            raise InputError(
                f"{out}: holds a finished run of another configuration, data or code; "
                f"choose another --out, or pass --overwrite, which moves it to {folder.replaced}"
            )
        folder.set_aside()
