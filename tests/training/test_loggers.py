"""Rows of a training in experiment trackers: the real ones where they are installed, offline."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from difnet.config import InputError
from difnet.tables import HISTORY
from difnet.training import loggers
from difnet.training.loggers import check_loggers, run_name
from tests.training.conftest import Trainer

INTERRUPTED_AT = 3


def losses(out: Path) -> dict[int, float]:
    """Loss by step, as history.csv has it."""
    return {row.step: row.loss for row in HISTORY.rows(HISTORY.read(out / "history.csv"))}


def in_two_sittings(
    out: Path, train: Trainer, before_step: Callable[[int, Callable[[], object]], None], tracker: str
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before_step(INTERRUPTED_AT, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(out, f"train.logger=[{tracker}]")
    train(out, f"train.logger=[{tracker}]")


def records(content: bytes) -> Iterator[bytes]:
    """Records of a file of wandb: 7 bytes of header, then a log as LevelDB writes it, in blocks of 32 KiB."""
    place, parts = 7, b""
    while place + 7 <= len(content):
        if 2**15 - place % 2**15 < 7:
            place += 2**15 - place % 2**15
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in {1, 4}:  # whole, or the last part
            yield parts
            parts = b""


def test_scalars_where_tensorboard_is_installed(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert (folder, purge_step) == (str(tmp_path / "tensorboard"), 1)

        def __enter__(self) -> SummaryWriter:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, step))

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(loggers, "find_spec", lambda name: object())
    train(tmp_path, "train.steps=2")
    names = ("loss", "learning_rate", "images_per_s")
    assert written == [(name, step) for step in (1, 2) for name in names]


def test_nothing_is_written_without_tensorboard(tmp_path: Path, train: Trainer) -> None:
    if loggers.find_spec("tensorboard") is None:
        train(tmp_path, "train.steps=2")
        assert not (tmp_path / "tensorboard").exists()


def test_wandb_offline(
    tmp_path: Path, train: Trainer, before_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    in_two_sittings(tmp_path / "run", train, before_step, "wandb")
    files = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2 and {path.stem for path in files} == {
        f"run-{run_name(train.config('train.logger=[wandb]'))}"
    }
    logged: dict[int, float] = {}
    for path in files:
        for content in records(path.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            items = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            if "loss" in items:
                logged[int(items["_step"])] = float(items["loss"])
    assert logged == pytest.approx(losses(tmp_path / "run"), abs=1e-6)


def test_mlflow_offline(
    tmp_path: Path, train: Trainer, before_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # that of databases needs a larger installation
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    in_two_sittings(tmp_path / "run", train, before_step, "mlflow")
    client = MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("difnet").experiment_id])
    assert run.info.status == "FINISHED" and run.data.params["train.steps"] == "6"
    logged = {metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, "loss")}
    assert logged == pytest.approx(losses(tmp_path / "run"), abs=1e-6)


def test_trackio_offline(
    tmp_path: Path, train: Trainer, before_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trackio")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    in_two_sittings(tmp_path / "run", train, before_step, "trackio")
    from trackio.sqlite_storage import SQLiteStorage

    logged = {
        int(row["step"]): float(row["loss"])
        for row in SQLiteStorage.get_logs("difnet", run_name(train.config()))
    }
    assert logged == pytest.approx(losses(tmp_path / "run"), abs=1e-6)


def test_a_tracker_that_is_not_installed(
    tmp_path: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    check_loggers(train.config())  # TensorBoard is left out without a word
    with pytest.raises(InputError, match="mlflow is not installed; pip install mlflow, or leave it out"):
        train(tmp_path / "run", "train.logger=[csv,mlflow]")
    assert not (tmp_path / "run").exists()


def test_trackers_do_not_change_the_run(tmp_path: Path, train: Trainer, undisturbed: Path) -> None:
    assert train.config("train.logger=[csv]").training_identity() == train.config().training_identity()
    train(tmp_path / "run", "train.logger=[csv]")
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == (
        undisturbed / "weights.safetensors"
    ).read_bytes()
