"""One run: from its configuration and prepared data to weights, history and environment."""

from __future__ import annotations

import hashlib
import json
import math
import time
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from difnet.config import RunConfig, RunError, atomic_path, write_text, write_yaml
from difnet.data import PreparedData, load_prepared
from difnet.data.batches import training_batches
from difnet.models import PixelPrior, build_from_config, parameter_count
from difnet.training.checkpoint import (
    Position,
    claim_directory,
    load_checkpoint,
    run_identity,
    save_checkpoint,
)
from difnet.training.environment import environment
from difnet.training.progress import TrainingProgress
from difnet.training.recipe import learning_rate, make_optimiser, training_step
from difnet.training.threads import use_threads
from difnet.training.transfer import find_weights, take_weights

HISTORY_ROWS = 200


def train_run(
    config: RunConfig,
    *,
    data: Path,
    out: Path,
    command: str,
    overwrite: bool = False,
    weights_from: Path | None = None,
) -> None:
    """Train one run, or continue it where its checkpoint stands, and write its files into `out`.

    A run with `weights_of` takes no step: its weights are those of the other run.

    Args:
        config: The resolved configuration.
        data: Folder of the prepared data set.
        out: Run directory: `config.yaml`, `weights.safetensors`, `history.csv`, `environment.json` and,
            to resume from, `checkpoint.pt`.
        command: The command that repeats this run, for the report.
        overwrite: Start again where `out` holds the checkpoint of another run.
        weights_from: Directory of the run that `weights_of` names; None for `out/../../OTHER/seed<k>`.

    Raises:
        InputError: If the configuration does not fit the data, `out` cannot be written, or the other run's
            weights are missing or do not fit.
        RunError: If the loss is no longer finite.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    use_threads(config.train.threads)
    prepared = load_prepared(data)
    identity = run_identity(config, prepared.index.sha256)
    claim_directory(out, identity=identity, overwrite=overwrite)
    torch.manual_seed(config.seed)
    network = build_from_config(config.model, num_classes=len(prepared.index.classes)).to(device)
    if config.weights_of is not None:
        take_weights(network, find_weights(config, out=out, source=weights_from))
    write_yaml(out / "config.yaml", config.model_dump(mode="json"))
    if config.weights_of is not None:
        position = Position(step=0, wall_s=0.0, history=[])
    elif isinstance(network, PixelPrior):
        split = prepared.split("train")
        network.fit(torch.from_numpy(split.label(index).copy()) for index in range(len(split)))
        position = Position(step=0, wall_s=0.0, history=[])
    else:
        position = _train(network, config, prepared, identity=identity, out=out)
    _write_results(network, position, out=out, command=command, data_sha256=prepared.index.sha256)


def _train(
    network: nn.Module, config: RunConfig, prepared: PreparedData, *, identity: str, out: Path
) -> Position:
    """Run the steps that are left, with a checkpoint every `train.checkpoint_every` steps and at the end."""
    train = config.train
    device = next(network.parameters()).device
    optimiser = make_optimiser(network, train)
    position = load_checkpoint(out, network=network, optimiser=optimiser) or Position(0, 0.0, [])
    history = position.history
    layout = torch.channels_last if train.channels_last else torch.contiguous_format
    network.to(memory_format=layout)
    network.train()
    every = max(1, train.steps // HISTORY_ROWS)
    batches = training_batches(
        prepared.split("train"),
        train,
        seed=config.seed,
        start_step=position.step,
        normalisation=config.model.normalisation,
    )
    losses: list[torch.Tensor] = []
    started = since_row = time.perf_counter()
    with TrainingProgress(
        f"{config.variant} seed {config.seed}", steps=train.steps, done=position.step
    ) as progress:
        for step, batch in zip(range(position.step, train.steps), batches, strict=False):
            images = batch.images.to(device, memory_format=layout, non_blocking=True)
            labels = batch.labels.to(device, non_blocking=True)
            losses.append(training_step(network, optimiser, images, labels, step=step, train=train))
            done = step + 1
            if done % every == 0 or done == train.steps:
                loss = float(torch.stack(losses).mean())
                now = time.perf_counter()
                images_per_s = len(losses) * train.batch_size / (now - since_row)
                if not math.isfinite(loss):
                    raise RunError(
                        f"{out}: the loss is {loss} near step {done} (learning rate "
                        f"{learning_rate(step, train):.3g}, images {', '.join(batch.names)}); "
                        "lower train.learning_rate"
                    )
                history.append((done, loss, learning_rate(step, train), images_per_s))
                progress.update(
                    done,
                    loss=loss,
                    images_per_s=images_per_s,
                    seconds_left=(train.steps - done) * train.batch_size / images_per_s,
                )
                losses, since_row = [], now
            if done % train.checkpoint_every == 0 or done == train.steps:
                wall_s = position.wall_s + time.perf_counter() - started
                save_checkpoint(
                    out,
                    identity=identity,
                    network=network,
                    optimiser=optimiser,
                    position=Position(done, wall_s, history),
                )
    return Position(train.steps, position.wall_s + time.perf_counter() - started, history)


def _write_results(
    network: nn.Module, position: Position, *, out: Path, command: str, data_sha256: str
) -> None:
    weights = out / "weights.safetensors"
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(weights) as temporary:
        temporary.write_bytes(safetensors.torch.save(state))
    rows = [f"{step},{loss:.6f},{rate:.6g},{speed:.1f}" for step, loss, rate, speed in position.history]
    write_text(out / "history.csv", "\n".join(["step,loss,learning_rate,images_per_s", *rows]) + "\n")
    facts = environment("train") | {
        "parameters": parameter_count(network),
        "wall_s": round(position.wall_s, 1),
        "data_sha256": data_sha256,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "command": command,
    }
    write_text(out / "environment.json", json.dumps(facts, indent=2) + "\n")
