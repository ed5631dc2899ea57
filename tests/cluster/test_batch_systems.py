"""Jobs that go to a batch system by its commands: `profiles/generic`, with the commands of a real Slurm."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.conftest import CONFIG, RUNS, ClusterProject, bits, finish
from tests.cluster.slurm import Slurm
from tests.conftest import PROJECT

pytest.importorskip("snakemake_executor_plugin_cluster_generic")

STATUS = PROJECT / "profiles" / "generic" / "status"


@pytest.mark.slow
def test_results_are_those_of_this_machine(
    slurm: Slurm, copy: Callable[[str], ClusterProject], local_bits: dict[str, bytes]
) -> None:
    project, runs = copy("project"), RUNS[::2]
    arguments = [f"{run}/scores.csv" for run in runs] + ["--seconds-between-status-checks", "1"]
    finish(project.start(*arguments, "--config", *CONFIG, profile="generic"), project)
    assert bits(project.root, runs).items() <= local_bits.items()
    assert project.said.count("external jobid") == 3, "two trainings, and all evaluations together"


def test_a_job_that_fails_is_told_from_one_that_waits(slurm: Slurm) -> None:
    submit = ["sbatch", "--parsable", "--output=/dev/null"]
    done, failed, waits = (
        subprocess.run([*submit, *more], check=True, capture_output=True, text=True).stdout.strip()
        for more in (["--wrap=true"], ["--wrap=false"], ["--hold", "--wrap=true"])
    )
    slurm.wait(lambda: {done, failed}.isdisjoint(job for (job,) in slurm.jobs()))
    states = [slurm.ask(str(STATUS), "slurm", job) for job in (done, failed, waits)]
    subprocess.run(["scancel", waits], check=True)
    assert states == ["success", "failed", "running"]
    assert slurm.ask(str(STATUS), "slurm", waits) == "failed"


@pytest.mark.parametrize(
    ("system", "command", "said", "state"),
    [
        ("pbs", "qstat", "Job Id: 7\n    job_state = R\n    Exit_status = 0\n", "running"),
        ("pbs", "qstat", "Job Id: 7\n    job_state = F\n    Exit_status = 0\n", "success"),
        ("pbs", "qstat", "Job Id: 7\n    job_state = F\n    Exit_status = 271\n", "failed"),
        ("sge", "qacct", "jobname   x\nfailed       0\nexit_status  0   \n", "success"),
        ("sge", "qacct", "jobname   x\nfailed       100 : killed\nexit_status  137   \n", "failed"),
        ("lsf", "bjobs", "DONE\n", "success"),
        ("lsf", "bjobs", "EXIT\n", "failed"),
        ("lsf", "bjobs", "PEND\n", "running"),
    ],
)
def test_what_other_systems_say_is_understood(
    tmp_path: Path, system: str, command: str, said: str, state: str
) -> None:
    """As their manuals show it: those systems are not here."""
    program = tmp_path / command
    program.write_text(f"#!/bin/sh\ncat {program}.said\n")
    program.with_suffix(".said").write_text(said)
    program.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    told = subprocess.run([STATUS, system, "7"], env=path, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == state
