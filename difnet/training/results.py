"""The files of a finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from difnet.config import RunConfig, RunError, RunFolder
from difnet.config.digests import write_digested
from difnet.machine.environment import environment
from difnet.machine.progress import say
from difnet.models import parameter_count
from difnet.models.weight_file import write_tensors, write_weights
from difnet.training.best_weights import SPLIT
from difnet.training.device import trains_in_bf16
from difnet.training.distributed import by_first, process_rank
from difnet.training.history import History
from difnet.training.state import TrainingState


def write_results(network: nn.Module, *, out: Path, facts: dict[str, Any], history: History) -> None:
    """Write weights, history and environment.

    Args:
        network: As it is kept.
        out: Run directory.
        facts: What environment.json says beside machine, versions and weights.
        history: Of the training; empty where there was none.

    Raises:
        RunError: If a weight is not finite: the last step diverged, and no loss has shown it.
    """
    fixed = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    for name, tensor in network.state_dict().items():
        # A weight that is fixed at 0 is minus infinity before its sigmoid.
        if name not in fixed and not bool(tensor.isfinite().all()):
            raise RunError(f"{out}: after the last step, '{name}' is not finite; lower train.learning_rate")
    digest = write_weights(network, RunFolder(out).weights_file())
    history.write(out / "history.csv")
    record = environment("train") | {
        "parameters": parameter_count(network),
        "weights_sha256": digest,
        **facts,
    }
    write_digested(out / "environment.json", json.dumps(record, indent=1) + "\n")


def outcome(state: TrainingState, config: RunConfig, *, out: Path) -> dict[str, Any]:
    """Bring the network to the weights that are kept, and say on one line how the training ended.

    Args:
        state: At the end of the training.
        config: Of the run.
        out: Run directory; takes the weights that are kept beside the last.

    Returns:
        Facts for environment.json.
    """
    speed = state.step * config.train.batch_size / max(state.wall_s, 1e-9)
    line = f"{config.variant} seed {config.seed}: {state.step} steps in {state.wall_s:.0f} s"
    line += f", {speed:.1f} images/s"
    facts: dict[str, Any] = {
        "wall_s": round(state.wall_s, 1),
        "precision": "bf16" if trains_in_bf16(config.train) else "fp32",
        "along_sha256": {str(step): digest for step, digest in state.along.items()},
    }
    if state.history.rows:
        line += f", last loss {state.history.rows[-1].loss:.4f}"
    if state.best is not None:
        best, looks = state.best, config.train.looks_at_val
        facts["selected"] = {"step": best.step, "split": SPLIT, "looks": looks, "miou": best.miou}
        if config.train.select == "best":
            state.network.load_state_dict(best.weights)
            line += f"; kept the weights of step {best.step}"
        else:
            digest = by_first(lambda: write_tensors(best.weights, RunFolder(out).best_weights_file))
            facts["selected"]["weights_sha256"] = digest
            line += f"; beside the last weights those of step {best.step}"
        line += f", mIoU {best.miou:.4f}, best of {looks} looks at {SPLIT}"
    say(line, quiet=process_rank() > 0)
    return facts
