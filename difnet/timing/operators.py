"""Timing of the diffusion operators over a grid of sizes: the operator rows of timing.csv.

Dimension letters: B batch, C classes, D embedding, N nodes.

The repeats go round all subjects at all sizes in turn. A slow spell of the machine, be it of seconds, is then
an outlying repeat of some; where it took all repeats of one size, it would bend curves and widen no interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import pandas as pd
import torch
from torch import Tensor

from difnet.config import TimingConfig
from difnet.diffusion import transition_matrix
from difnet.diffusion.checks import DoesNotFitError, require_memory
from difnet.tables import NO_GPU, TIMING, TimingRow
from difnet.timing.cuda_graph import recorded
from difnet.timing.foreign_load import ForeignLoad
from difnet.timing.operator_inputs import LEVELS, Levels, normal
from difnet.timing.protocol import DOES_NOT_FIT, MEMORY, Measurement
from difnet.timing.subjects import SUBJECTS, Subject
from difnet.training import choose_device, use_threads

FEWEST_REPEATS = 3
NO_TIME = "not_run (over the time budget)"


@dataclass(kw_only=True)
class Cell(Measurement):
    """One cell of the grid: one metric of one operator at one size."""

    subject: Subject

    @property
    def curve(self) -> tuple[str, str, torch.dtype, int, str]:
        """What stays the same from one number of nodes to the next."""
        return self.name, self.device, self.dtype, self.classes, self.metric

    @property
    def backward(self) -> bool:
        """Whether the call includes the backward pass."""
        return self.metric == "forward_backward_ms"


def time_operators(config: TimingConfig, levels: Mapping[str, Levels]) -> pd.DataFrame:
    """Time the operators of a benchmark over its grid, on the device on which networks train.

    Metrics: latency_ms (forward), forward_backward_ms, peak_memory_mb (forward, above what was held before).
    Seeds are from N(0, 1). Subjects named `*_solve_only` are given P, all others build what they need. On
    features after the first ones, only the latency of what depends on them is measured, with three repeats at
    most. Every cell has its row; `status` says why one has no value.

    Args:
        config: The timing section of a benchmark; `budget_s` bounds each cell.
        levels: By name of the features, number of nodes -> the levels (B, D, N) at that size.

    Returns:
        The columns of timing.csv, one row a subject, device, dtype, size, features and metric.
    """
    chosen = [subject for subject in SUBJECTS if subject.name in config.operators]
    use_threads(config.threads)
    rows: list[TimingRow] = []
    for place, (features, of_size) in enumerate(levels.items()):
        some, repeats = chosen, config.repeats
        if place > 0:
            some, repeats = [s for s in chosen if s.follows_features], min(repeats, FEWEST_REPEATS)
        for classes in config.classes:
            sizes = [
                [
                    cell
                    for subject in some
                    for cell in _cells(subject, features, config, nodes, classes)
                    if place == 0 or cell.metric == "latency_ms"
                ]
                for nodes in sorted(config.nodes)
            ]
            _measure(sizes, config.model_copy(update={"repeats": repeats}), of_size)
            rows += [cell.row() for cells in sizes for cell in cells]
    return TIMING.frame(rows)


def _cells(subject: Subject, features: str, config: TimingConfig, nodes: int, classes: int) -> Iterator[Cell]:
    """Yield the cells of one subject at one size, where networks train; a GPU's also where it is missing."""
    here = choose_device().type
    if here == "cuda" and here not in subject.devices:
        return
    device = here if here in subject.devices else "cuda"
    metrics = ["latency_ms"]
    if not subject.graph:
        metrics += ["forward_backward_ms"] if config.backward and subject.backward else []
        metrics += [MEMORY]
    for dtype in subject.dtypes if device == "cuda" else (torch.float32,):
        for metric in metrics:
            yield Cell(
                name=subject.name,
                features=features,
                subject=subject,
                device=device,
                dtype=dtype,
                nodes=nodes,
                classes=classes,
                batch=config.batch,
                metric=metric,
            )


def _measure(sizes: Sequence[Sequence[Cell]], config: TimingConfig, levels: Levels) -> None:
    """Fill the cells of all sizes, the smallest size first."""
    last: dict[object, Cell] = {}
    load = ForeignLoad()
    for cells in sizes:
        _start(cells, config, levels, last)
        last.update({cell.curve: cell for cell in cells})
    cells = [cell for cells in sizes for cell in cells if cell.status == "ok"]
    for _ in range(config.repeats - 1):
        _go_round(cells, config, record=True)
    share = load.share()
    for cell in cells:
        cell.finish(share)
        enough = cell.metric == MEMORY or len(cell.samples) >= min(FEWEST_REPEATS, config.repeats)
        if cell.status == "ok" and not enough:
            cell.status = NO_TIME
    for cell in cells:
        cell.call = None


def _start(cells: Sequence[Cell], config: TimingConfig, levels: Levels, last: dict[object, Cell]) -> None:
    """Prepare the cells of one size, and take their first repeat, which foresees the next size's time."""
    for cell in cells:
        cell.status = _obstacle(cell, config, last.get(cell.curve))
    running = [cell for cell in cells if cell.status == "ok"]
    if not running:
        return
    features = levels(running[0].nodes)

    @cache
    def inputs(kind: str, device: str, dtype: torch.dtype) -> Sequence[Tensor]:
        given = [level.to(device, dtype) for level in features]
        return [transition_matrix(given[0])] if kind == "transition" else given

    for cell in running:
        cell.attempt(partial(_prepare, cell, inputs))
    for _ in range(config.warmup):
        _go_round(running, config, record=False)
    for cell in running:
        if cell.curve not in last:
            cell.spent = 0.0  # the first call of all starts what the device needs, for seconds on a GPU
    _go_round(running, config, record=True)


def _obstacle(cell: Cell, config: TimingConfig, before: Cell | None) -> str:
    """Return why a cell cannot run, or ok.

    Args:
        cell: The cell.
        config: The timing section, for the time budget.
        before: The same cell at the next smaller size, from which the time is foreseen.
    """
    if cell.device == "cuda" and not torch.cuda.is_available():
        return NO_GPU
    if cell.subject.obstacle:
        return f"not_run ({cell.subject.obstacle})"
    if before is not None and before.status in {"ok", NO_TIME} and cell.metric != MEMORY:
        growth = (cell.nodes / before.nodes) ** cell.subject.exponent
        if FEWEST_REPEATS * growth * min(before.samples, default=math.inf) / 1e3 > config.budget_s:
            return NO_TIME
    matrices = cell.subject.matrices[int(cell.backward)] * cell.batch
    try:
        if matrices:
            device = torch.device(cell.device)
            require_memory(cell.name, matrices=matrices, nodes=cell.nodes, dtype=cell.dtype, device=device)
    except DoesNotFitError:
        return DOES_NOT_FIT
    return "ok"


def _go_round(cells: Sequence[Cell], config: TimingConfig, *, record: bool) -> None:
    """Time one call of every cell that is still within its budget."""
    for cell in cells:
        if cell.metric != MEMORY and cell.spent < config.budget_s:
            cell.take(record=record)


def _prepare(cell: Cell, inputs_of: Callable[[str, str, torch.dtype], Sequence[Tensor]]) -> None:
    """Give the cell its call, with inputs on its device and in its dtype."""
    inputs = inputs_of(cell.subject.inputs, cell.device, cell.dtype)
    seeds = normal(cell.batch, cell.classes, cell.nodes, seed=LEVELS).to(cell.device, cell.dtype)
    if cell.backward:
        upstream = normal(cell.batch, cell.classes, cell.nodes, seed=LEVELS + 1).to(cell.device, cell.dtype)
        cell.call = partial(_step, cell.subject, inputs, seeds, upstream)
    else:
        forward = partial(_forward, cell.subject, inputs, seeds)
        cell.call = recorded(forward) if cell.subject.graph else forward


def _forward(subject: Subject, inputs: Sequence[Tensor], seeds: Tensor) -> Tensor:
    with torch.no_grad():
        return subject.operator(inputs, seeds)


def _step(subject: Subject, inputs: Sequence[Tensor], seeds: Tensor, upstream: Tensor) -> tuple[Tensor, ...]:
    """Run forward and backward; return the gradients of the inputs in use and of the seeds."""
    leaves = [tensor.detach().requires_grad_() for tensor in (*inputs, seeds)]
    result = subject.operator(leaves[:-1], leaves[-1])
    return torch.autograd.grad(result, leaves, upstream, allow_unused=True)
