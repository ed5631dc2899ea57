"""A real Slurm on loopback: controller, one node with two GPUs that are none, and munge."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "mungekey", "sbatch", "squeue", "scontrol")
ETC = Path("/etc/slurm")
"""Where the steps of a job look for the configuration, whatever SLURM_CONF says."""
CONF = """
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/prolog
TaskEpilog={folder}/epilog
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=100000,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=600
KillWait=20
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
MessageTimeout=5
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=12000 Gres=gpu:toy:2
PartitionName=low Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2
"""
GRES = "Name=gpu Type=toy File=/dev/null\nName=gpu Type=toy File=/dev/zero\n"
CGROUP = "CgroupPlugin=cgroup/v1\nConstrainCores=no\nConstrainRAMSpace=no\nConstrainDevices=no\n"
TOLD = """#!/bin/sh
echo "$(date +%s.%N) {what} $SLURM_JOB_ID $SLURM_STEP_ID $CUDA_VISIBLE_DEVICES" >> {folder}/told
"""


def missing() -> str | None:
    """Why no Slurm can be started here; None where one can."""
    if os.geteuid():
        return "needs root: Slurm's configuration lies in /etc/slurm"
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        return f"needs {', '.join(absent)} (apt-get install slurm-wlm munge)"
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        return "needs snakemake-executor-plugin-slurm (make)"
    return "this machine belongs to a cluster" if (ETC / "slurm.conf").exists() else None


@dataclass(frozen=True)
class Use:
    """A step of a job, and the GPUs that it saw."""

    job: str
    gpus: frozenset[str]
    start: float
    end: float


class Slurm:
    """The daemons, from `start` to `stop`.

    Args:
        folder: An empty folder for all that they write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = platform.node().partition(".")[0]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "told").touch()
        for what in ("prolog", "epilog"):
            script = self.folder / what
            script.write_text(TOLD.format(what=what, folder=self.folder))
            script.chmod(0o755)
        ETC.mkdir(exist_ok=True)
        for name, text in {"slurm.conf": CONF, "gres.conf": GRES, "cgroup.conf": CGROUP}.items():
            (ETC / name).write_text(text.format(host=self.host, folder=self.folder))
        key, socket = self.folder / "munge.key", self.folder / "munge.socket"
        subprocess.run(["mungekey", f"--keyfile={key}"], check=True)
        files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("pid", "log", "seed")]
        self._run("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket}", *files)
        self.wait(socket.exists)
        self.start_controller("-c")
        self.start_node()

    def start_controller(self, *options: str) -> None:
        """Start it and wait until it answers."""
        self._run("slurmctld", "-D", *options)
        self.wait(lambda: self.ask("scontrol", "ping").endswith("is UP"))

    def start_node(self, *wrapper: str) -> None:
        """Start it, in a command that wraps another, and wait until it takes jobs."""
        self._run("slurmd", "-D", "-N", self.host, wrapper=wrapper)
        self.wait(lambda: self.ask("sinfo", "-h", "-p", "low", "-o", "%T") in {"idle", "mixed", "allocated"})

    def end(self, daemon: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon and wait until it is gone."""
        process = self._running.pop(daemon)
        process.send_signal(number)
        process.wait(timeout=30)

    def stop(self) -> None:
        """End everything, the jobs first."""
        if "slurmctld" in self._running:
            subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
            self.wait(lambda: not self.jobs())
        for daemon in reversed(list(self._running)):
            self.end(daemon)
        for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
            (ETC / name).unlink(missing_ok=True)

    def jobs(self, *columns: str) -> list[list[str]]:
        """The jobs that wait or run; columns as in `squeue -o`, the number by default."""
        form = "|".join(columns or ("%i",))
        return [line.split("|") for line in self.ask("squeue", "-h", "-o", form).splitlines()]

    def uses(self) -> list[Use]:
        """Steps of jobs that saw a GPU and have ended."""
        begun: dict[tuple[str, str], tuple[float, frozenset[str]]] = {}
        found = []
        for line in (self.folder / "told").read_text().splitlines():
            when, what, job, step, *gpus = line.split(" ")
            names = frozenset(",".join(gpus).split(",")) - {""}
            if what == "prolog":
                begun[job, step] = float(when), names
            elif (job, step) in begun:
                start, names = begun.pop((job, step))
                found.append(Use(job, names, start, float(when)))
        return found

    @staticmethod
    def ask(*command: str) -> str:
        """What a command of Slurm says."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def wait(
        self, until: Callable[[], object], *, seconds: float = 60, said: Callable[[], str] = str
    ) -> None:
        """Wait until something is so; in vain, tell what was said instead, and the states of all jobs."""
        limit = time.monotonic() + seconds
        while not until():
            if time.monotonic() > limit:
                raise AssertionError(f"{said()}\n{self.ask('squeue', '--states=all')}")
            time.sleep(0.1)

    def _run(self, daemon: str, *arguments: str, wrapper: Sequence[str] = ()) -> None:
        command = [*wrapper, daemon, *arguments]
        with (self.folder / f"{daemon}.out").open("ab") as out:
            self._running[daemon] = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
