"""Estimated cost of runs: in proportion to operations, for the whole batch, none where nothing is trained."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from difnet.config import DataConfig, InputError, RunConfig, RunFolder, plan
from difnet.timing import estimate
from difnet.timing.estimate import REFERENCE_GPU, Cost, check_hours, estimate_costs, gpu_hours, total
from difnet.timing.measured_steps import MeasuredSteps, measured_steps
from difnet.timing.step_cost import step_cost
from difnet.training import choose_device
from tests.conftest import CATALOGUE, PROJECT, save_weights

PLAN = plan(
    CATALOGUE,
    {
        "benchmarks": ["tiny"],
        "ablations": ["walks_2", "single_precision", "oracle_1", "pixel_prior"],
        "seeds": [0],
        "set": ["train.crop=33", "train.batch_size=6", "train.accumulate=2"],
    },
)
RUNS = {run.variant: run for planned in PLAN.benchmarks.values() for run in planned.first_runs}
NOWHERE = Path("/nowhere")


def costs(*variants: str, **options: int) -> dict[str, Cost]:
    found = estimate_costs([RUNS[variant] for variant in variants], results=NOWHERE, **options)
    return dict(zip(variants, found, strict=True))


def test_costs() -> None:
    cost = costs(*RUNS)
    run = RUNS["walks_2"]
    step = step_cost(run.model, classes=7, size=(33, 33), half=True)
    assert cost["walks_2"].parameters == step.parameters
    assert cost["walks_2"].gflop_step == pytest.approx(6 * step.operations / 1e9)
    assert cost["walks_2"].memory_gb == pytest.approx((14 * step.parameters + 3 * step.activations) / 1e9)
    operations = run.train.steps * 6 * step.operations
    assert cost["walks_2"].gpu_hours == pytest.approx(operations / 60e12 / 3600)
    assert cost["single_precision"].gpu_hours == pytest.approx(cost["cascade"].gpu_hours * 60 / 11)
    assert cost["walks_2"].minutes / cost["cascade"].minutes == pytest.approx(
        cost["walks_2"].gflop_step / cost["cascade"].gflop_step
    )
    for untrained in ("oracle_1", "pixel_prior"):
        assert cost[untrained].minutes == cost[untrained].gpu_hours == 0.0
    assert cost["pixel_prior"] == Cost(0, 0.0, 0.0, 0.0, 0.0)


def test_the_first_trained_variant_sets_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[RunConfig] = []

    def pace(run: RunConfig, *_: object) -> float:
        timed.append(run)
        return 2e-9

    monkeypatch.setattr(estimate, "_seconds_per_operation", pace)
    cost = costs("pixel_prior", "oracle_1", "walks_2", "cascade")
    assert timed == [RUNS["walks_2"]]
    steps = RUNS["walks_2"].train.steps
    assert cost["walks_2"].minutes == pytest.approx(cost["walks_2"].gflop_step * 2 * steps / 60)


@pytest.mark.parametrize(("most", "images", "side"), [(1e12, 6, 97), (2.6e9, 3, 97), (0.6e9, 1, 83)])
def test_steps_that_are_timed_are_short(
    monkeypatch: pytest.MonkeyPatch, most: float, images: int, side: int
) -> None:
    """Fewer images than a batch, then smaller ones; the operations are those of what is timed."""
    shapes: list[tuple[int, ...]] = []
    device = choose_device().type
    monkeypatch.setattr(estimate, "MOST_OPERATIONS", {device: most})
    monkeypatch.setattr(
        "difnet.timing.training_step.training_step",
        lambda _, __, x, *___, **____: shapes.append(tuple(x.shape)),
    )
    monkeypatch.setattr(estimate, "_alone", lambda call, *_, **__: call() or 3.0)
    run = RUNS["cascade"]
    step = step_cost(run.model, classes=7, size=(97, 97), half=False)
    assert 0.8e9 < step.operations < 0.86e9
    pace = estimate._seconds_per_operation(run, step, 7, (97, 97))
    assert set(shapes) == {(images, 3, side, side)}
    counted = step_cost(run.model, classes=7, size=(side, side), half=False).operations
    assert pace == pytest.approx(3.0 / (images * counted))


def test_nothing_but_the_size_of_the_images_is_read() -> None:
    """Without a crop: the size that images are resized to, else that of the images themselves."""
    model, train = RUNS["cascade"].model, RUNS["cascade"].train.model_copy(update={"crop": None})
    for data, size in (
        (DataConfig(name="camvid", size=(24, 32)), (24, 32)),
        (DataConfig(options={"size": 40, "train": 2, "val": 1, "test": 1}), (40, 40)),
    ):
        run = RUNS["cascade"].model_copy(update={"data": data, "train": train})
        (cost,) = estimate_costs([run], results=NOWHERE, classes=5)
        operations = step_cost(model, classes=5, size=size, half=True).operations
        assert cost.gflop_step == pytest.approx(6 * operations / 1e9)


def test_benchmark_that_trains_nothing() -> None:
    assert costs("pixel_prior") == {"pixel_prior": Cost(0, 0.0, 0.0, 0.0, 0.0)}


@pytest.mark.parametrize(
    ("crop", "classes", "message"),
    [
        (33, None, r"my-images: .*; without the files, .* takes the number of classes as --classes N"),
        (None, 3, r"my-images: .*; without the images, set train.crop or data.size"),
    ],
)
def test_what_is_not_known_is_one_line(
    tmp_path: Path, crop: int | None, classes: int | None, message: str
) -> None:
    data = DataConfig(name="folder", options={"root": str(tmp_path / "my-images")})
    train = RUNS["cascade"].train.model_copy(update={"crop": crop})
    run = RUNS["cascade"].model_copy(update={"data": data, "train": train})
    with pytest.raises(InputError, match=message) as raised:
        estimate_costs([run], results=NOWHERE, classes=classes)
    assert "\n" not in str(raised.value)


def test_sum_over_seeds_of_what_is_trained() -> None:
    runs = [RUNS["cascade"], RUNS["walks_2"], RUNS["oracle_1"]]
    some = [Cost(1, 1.0, 2.5, 1.0, 1.5), Cost(1, 1.0, 12.4, 1.0, 2.0), Cost(1, 1.0, 40.0, 0.0, 0.0)]
    assert total(runs, some, seeds=3) == (
        "Training 2 variants with 3 seeds takes about 10 hours of an NVIDIA A100 80 GB and up to 12 GB of "
        "its memory (`difnet time --estimate`)."
    )


def trained_on_a_gpu(results: Path, folder: str, run: RunConfig, *, device: str, wall_s: float) -> None:
    """A finished run with what an estimate reads of it."""
    out = results / folder / "runs" / run.variant / f"seed{run.seed}"
    RunFolder(out).write_config(run, {})
    save_weights({}, out, device=device, wall_s=wall_s)


def test_steps_of_finished_trainings_count_where_there_are_some(tmp_path: Path) -> None:
    """The fastest on a GPU of the same recipe, of any length; others and those of a CPU do not."""
    run = RUNS["cascade"]

    def changed(seed: int, **train: object) -> RunConfig:
        return run.model_copy(update={"seed": seed, "train": run.train.model_copy(update=train)})

    assert measured_steps(run, tmp_path) is None
    trained_on_a_gpu(tmp_path, "tiny", changed(0), device="cpu", wall_s=0.1)
    trained_on_a_gpu(tmp_path, "tiny", changed(1, learning_rate=1.0), device="GPU A", wall_s=0.1)
    assert measured_steps(run, tmp_path) is None
    trained_on_a_gpu(tmp_path, "tiny", changed(2), device="GPU A", wall_s=run.train.steps * 3600.0)
    trained_on_a_gpu(
        tmp_path, "tiny+train.steps=50", changed(0, steps=50), device="GPU B", wall_s=100 * 3600.0
    )
    assert measured_steps(run, tmp_path) == MeasuredSteps("GPU A", 3600.0)
    cost, other = estimate_costs([run, RUNS["walks_2"]], results=tmp_path, here=False)
    assert (cost.gpu, cost.measured, cost.gpu_hours) == ("GPU A", True, run.train.steps)
    assert (other.gpu, other.measured) == (REFERENCE_GPU, False)
    assert math.isnan(cost.minutes)
    hours = gpu_hours([run, RUNS["walks_2"]], [cost, other], seeds=2)
    assert hours == {"GPU A": 2 * run.train.steps, REFERENCE_GPU: pytest.approx(2 * other.gpu_hours)}


def test_long_trainings_are_asked_for(tmp_path: Path) -> None:
    """Beyond the limit of the benchmark, by the runs that are left; `yes` starts them, so do fewer."""
    (planned,) = PLAN.benchmarks.values()
    run = planned.variants[0].config
    trained_on_a_gpu(tmp_path, "tiny", run, device="GPU A", wall_s=run.train.steps * 3600.0)
    limited = planned.model_copy(update={"gpu_hours": 1.5 * run.train.steps})
    check_hours(planned, [run] * 2, results=tmp_path)
    check_hours(limited, [run], results=tmp_path)
    willing = planned.selection.model_copy(update={"yes": True})
    check_hours(limited.model_copy(update={"selection": willing}), [run] * 2, results=tmp_path)
    with pytest.raises(InputError) as raised:
        check_hours(limited, [run] * 2, results=tmp_path)
    assert re.search(
        r"2 trainings take about 12 hours of an GPU A, more than limits.gpu_hours, 9; say yes .*seeds=\[0\]",
        str(raised.value),
    )
    assert "\n" not in str(raised.value)


def difnet(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "difnet", "time", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=os.environ | {"DIFNET_DATA": "/nowhere"},
    )
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def test_command_without_the_data() -> None:
    """A benchmark whose images are not there, with its crop made small."""
    small = ("--set", "train.crop=65", "--set", "model.width=0.125", "--set", "model.weights=null")
    printed = difnet("--benchmark", "voc2012", "--estimate", "--ablation", "deeplab", "--seed", "0", *small)
    rows = {row.split()[0]: row.split() for row in printed.splitlines()}
    assert rows["variant"][1:6] == ["parameters", "GFLOP/step", "GB", "min/run", "GPU"]
    assert int(rows["deeplab"][1].replace(",", "")) < int(rows["cascade"][1].replace(",", ""))
    assert "published" in printed and "nothing here was measured on one" in printed
    assert re.fullmatch(r"Training 2 variants with 1 seeds .*", printed.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a folder of results, or --benchmark with --out or --estimate"),
        (("--benchmark", "tiny"), "--benchmark goes with --out or --estimate"),
        (("results/tiny", "--estimate"), "--benchmark goes with --out or --estimate"),
        (
            ("--benchmark", "tiny", "--estimate", "--only", "networks"),
            "leave out --out, --only and --trained",
        ),
        (("--benchmark", "tiny", "--out", "x", "--classes", "3"), "--classes is for --estimate alone"),
        (
            ("--benchmark", "tiny", "--out", "nowhere", "--only", "joined"),
            "nowhere/timing/operators.csv does not exist; write it first: difnet time FOLDER",
        ),
        (("--benchmark", "tinny", "--estimate"), "unknown benchmark 'tinny'; did you mean 'tiny'?"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    error = difnet(*arguments, code=2)
    assert message in error and len(error.splitlines()) == 1
