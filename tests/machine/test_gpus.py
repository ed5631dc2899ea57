"""Leases of GPUs among real processes; the devices themselves are fake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from difnet.config import InputError
from difnet.machine import gpus
from tests.conftest import PROJECT

JOB = Path(__file__).with_name("lease_job.py")
DEVICES = ("0", "1", "2", "3")
FOR_EVER = 600.0


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a job; all share the lock files and the log of this test."""
    (tmp_path / "log").touch()

    def start_job(
        name: str,
        count: int = 1,
        seconds: float = 0.0,
        devices: tuple[str, ...] = DEVICES,
        **environment: str,
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(JOB), name, str(count), str(seconds), *devices],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)} | environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start_job


def records(folder: Path) -> list[tuple[int, str, str, tuple[str, ...]]]:
    """What the jobs noted: time, name, event, devices."""
    rows = [line.split() for line in (folder / "log").read_text().splitlines()]
    return [(int(at), name, event, tuple(devices.split(","))) for at, name, event, devices in rows]


def wait_for(folder: Path, name: str) -> tuple[str, ...]:
    """The devices of a job, once it has them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for _, started, _, devices in records(folder):
            if started == name:
                return devices
        time.sleep(0.01)
    raise AssertionError(f"{name} got no device")


def test_no_device_has_two_holders_and_none_stays_locked(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Twelve jobs, four devices: four jobs hold theirs until they are killed, two ask for several."""
    victims = {f"victim{number}": start(f"victim{number}", seconds=FOR_EVER) for number in range(4)}
    for name in victims:
        wait_for(tmp_path, name)
    others = [start(f"job{number}", seconds=0.1) for number in range(6)]
    others += [start("two", count=2, seconds=0.1), start("three", count=3, seconds=0.1)]
    killed: dict[str, int] = {}
    for name, job in victims.items():
        time.sleep(0.3)
        killed[name] = time.monotonic_ns()
        job.send_signal(signal.SIGKILL)
        job.communicate()
    for job in others:
        _, errors = job.communicate(timeout=60)
        assert job.returncode == 0, errors
    found = records(tmp_path)
    start_of = {name: (at, devices) for at, name, event, devices in found if event == "start"}
    end_of = {name: at for at, name, event, _ in found if event == "end"} | killed
    assert len(start_of) == len(end_of) == 12
    assert len(start_of["two"][1]) == 2 and len(start_of["three"][1]) == 3
    for device in DEVICES:
        held = sorted(
            (at, end_of[name], name) for name, (at, devices) in start_of.items() if device in devices
        )
        assert held
        for (_, end, first), (begin, _, second) in pairwise(held):
            assert end < begin, f"{first} and {second} both held {device}"
    last = start("last", count=4)
    assert last.wait(timeout=30) == 0
    assert last.stderr is not None and not last.stderr.read()


def test_two_that_want_all_take_turns(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    jobs = [start(f"job{number}", count=4, seconds=0.05) for number in range(4)]
    assert [job.wait(timeout=60) for job in jobs] == [0, 0, 0, 0]
    events = [(name, event) for _, name, event, _ in sorted(records(tmp_path))]
    assert [event for _, event in events] == ["start", "end"] * 4
    assert all(events[place][0] == events[place + 1][0] for place in range(0, 8, 2))


def test_waiting_is_said_once(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    holder = start("holder", count=4, seconds=FOR_EVER)
    wait_for(tmp_path, "holder")
    waiting = start("waiting", count=2)
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == "difnet: waiting for 2 of 4 GPUs that other jobs use\n"
    holder.kill()
    holder.communicate()
    assert waiting.communicate(timeout=30)[1] == ""
    assert wait_for(tmp_path, "waiting") == ("0", "1")


def test_lease_lasts_through_exec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`difnet lease`: the command itself holds the devices, and shares them with its own difnet commands."""
    code = """
import sys
from difnet.cli import lease as command
from difnet.machine import gpus
gpus.visible_gpus = lambda: {"0": "GPU-0", "1": "GPU-1", "2": "GPU-2"}
command.lease([sys.executable, "-c", sys.argv[1]], gpus=2)
"""
    inner = """
import os
from pathlib import Path
from difnet.machine import gpus
gpus.visible_gpus = lambda: {"0": "GPU-0", "1": "GPU-1"}
gpus.lease_gpus(2)
taken = gpus._take(gpus._folder(), {"0": "GPU-0", "1": "GPU-1", "2": "GPU-2"}, 1)
print(os.environ["CUDA_VISIBLE_DEVICES"], *taken)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, inner],
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0,1 2\n"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with three devices."""
    for number in range(3):
        (tmp_path / f"nvidia{number}").touch()
        information = tmp_path / f"0000:0{number}:00.0" / "information"
        information.parent.mkdir()
        information.write_text(f"Model: \t\t Fake\nGPU UUID: \t GPU-{number}{number}{number}-a\n")
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    monkeypatch.setattr(gpus, "DRIVER", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, {"0": "GPU-000-a", "1": "GPU-111-a", "2": "GPU-222-a"}),
        ("2,0", {"2": "GPU-222-a", "0": "GPU-000-a"}),
        ("GPU-11", {"GPU-11": "GPU-111-a"}),
        ("1, 7,0", {"1": "GPU-111-a"}),
        ("MIG-5f", {"MIG-5f": "MIG-5f"}),
        ("", {}),
        ("-1", {}),
    ],
)
def test_visible_devices_by_their_uuid(
    driver: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: dict[str, str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert list(gpus.visible_gpus().items()) == list(expected.items())
    assert gpus.gpu_count() == len(expected)


def test_number_and_uuid_are_one_device(
    driver: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus.tempfile, "tempdir", str(tmp_path))
    folder = gpus._folder()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    taken = gpus._take(folder, gpus.visible_gpus(), 1)
    assert taken is not None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-111")
    assert gpus._take(folder, gpus.visible_gpus(), 1) is None
    for file in taken.values():
        os.close(file)
    assert gpus._take(folder, gpus.visible_gpus(), 1) is not None


def test_without_gpus_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    monkeypatch.setattr(gpus.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus.lease_gpus() == []
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="2 GPUs asked for, 0 visible"):
        gpus.lease_gpus(2)


@pytest.mark.parametrize("variable", ["LOCAL_RANK", gpus.LEASED])
def test_devices_that_are_shared_out_already(
    driver: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus.lease_gpus() == []
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


@pytest.mark.parametrize("kind", ["link", "open to all", "file"])
def test_a_folder_that_another_user_may_have_made_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"difnet-gpus-{os.getuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if kind == "link":
        folder.symlink_to(elsewhere)
    elif kind == "file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777)
    monkeypatch.setattr(gpus.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(InputError, match=r"difnet-gpus-\d+: (is not a folder of yours|cannot be written)"):
        gpus._folder()
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("file", ["turn", "gpu-0"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_lock_file_is_not_used(file: str, kind: str, tmp_path: Path) -> None:
    """The lock for taking turns, or that of a device: a link to another file is not followed."""
    folder, victim = tmp_path / "locks", tmp_path / "victim"
    folder.mkdir(mode=0o700)
    if kind == "link":
        (folder / file).symlink_to(victim)
    else:
        (folder / file).mkdir()
    with pytest.raises(InputError, match=f"locks/{file}: cannot be written: .*; delete it or set TMPDIR"):
        gpus._take(folder, {"0": "gpu-0"}, 1)
    assert not victim.exists()


@pytest.mark.parametrize("name", ["o'brien {a} $HOME", 'a"b;c & `id` %s', "lead{{x}}}tail\\n *?[a]!~#"])
def test_commands_are_found_in_a_folder_of_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake formats the prefix, then a shell reads it."""
    command = tmp_path / name / "difnet"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho found\n")
    command.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(command.with_name("python")))
    line = gpus.shell_prefix().format() + "difnet"
    assert subprocess.check_output(["bash", "-c", line], text=True) == "found\n"
    in_image = gpus.shell_prefix(image=True).format() + "command -v difnet"
    found = subprocess.run(["bash", "-c", in_image], capture_output=True, text=True, check=False).stdout
    assert str(tmp_path) not in found
