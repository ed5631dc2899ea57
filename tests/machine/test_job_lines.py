"""The workflow's own lines, from the events of Snakemake's logger."""

from __future__ import annotations

import io
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from difnet.machine import job_lines
from difnet.machine.job_lines import JobLines

PLANNED = Counter(train=2, evaluate=2, all=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list of one number that a test moves on."""
    now = [0.0]
    monkeypatch.setattr(job_lines.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.Logger("snakemake.logging")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    return logger


def started(logger: logging.Logger, number: int, rule: str, **wildcards: str) -> None:
    logger.info(
        "Rule", extra={"event": LogEvent.JOB_INFO, "jobid": number, "rule_name": rule, "wildcards": wildcards}
    )


def finished(logger: logging.Logger, number: int) -> None:
    logger.info("Finished jobid: 1", extra={"event": LogEvent.JOB_FINISHED, "job_id": number})


def test_a_line_a_job_with_the_time_left(
    clock: list[float], logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    JobLines(PLANNED).attach(logger)
    jobs = [("train", 0, 600.0), ("train", 1, 600.0), ("evaluate", 0, 30.0), ("evaluate", 1, 30.0)]
    for number, (rule, seed, seconds) in enumerate(jobs):
        started(logger, number, rule, variant="cascade", seed=str(seed), benchmark="toy")
        clock[0] += seconds
        finished(logger, number)
    started(logger, 9, "all")
    finished(logger, 9)
    assert capsys.readouterr().err.splitlines() == [
        "[1 of 5] train cascade seed 0: 10 min 0 s; at least 10 min 0 s left",
        "[2 of 5] train cascade seed 1: 10 min 0 s",
        "[3 of 5] evaluate cascade seed 0: 30.0 s; about 30.0 s left",
        "[4 of 5] evaluate cascade seed 1: 30.0 s",
    ]


def test_jobs_side_by_side_take_less(
    clock: list[float], logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    JobLines(Counter(train=4)).attach(logger)
    for number in (0, 1):
        started(logger, number, "train", variant="cascade", seed=str(number))
    clock[0] = 60.0
    finished(logger, 0)
    finished(logger, 1)
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "[2 of 4] train cascade seed 1: 1 min 0 s; about 1 min 0 s left"
    )


def test_a_failure_is_its_last_line(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "a.log"
    log.write_text("warming up\ndifnet: the loss is nan; lower train.learning_rate\n")
    JobLines(PLANNED).attach(logger)
    facts: dict[str, Any] = {"event": LogEvent.JOB_ERROR}
    for number, logs in ((1, [str(log)]), (2, [str(tmp_path / "none.log")])):
        started(logger, number, "timing", benchmark="toy")
        logger.error("Error", extra={**facts, "jobid": number, "log": logs})
    first, second = capsys.readouterr().err.splitlines()
    assert first == "difnet: timing toy failed: the loss is nan; lower train.learning_rate"
    assert second == f"difnet: timing toy failed: it left no message; see {tmp_path}/none.log"


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        (["step 3 of 9", "Complete log"], "SLURM sbatch failed. Invalid partition name"),
        (
            [
                "difnet: SIGTERM",
                "slurmstepd-vm: error: Exceeded job memory limit\nslurmstepd-vm: error: more",
            ],
            "Exceeded job memory limit",
        ),
        (["difnet: SIGTERM after step 3", "Complete log"], "SIGTERM after step 3"),
        (["", "Building\ndifnet: plan.json: is not on node7\nExiting"], "plan.json: is not on node7"),
    ],
)
def test_a_batch_system_has_a_word_where_the_job_has_none(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str], logs: list[str], reason: str
) -> None:
    files = [tmp_path / "rule.log", tmp_path / "slurm.log"]
    for file, text in zip(files, logs, strict=True):
        file.write_text(text)
    JobLines(PLANNED).attach(logger)
    started(logger, 1, "timing", benchmark="toy")
    told = "SLURM sbatch failed. Invalid partition name\n    sbatch call:\n  sbatch"
    facts = {"event": LogEvent.JOB_ERROR, "jobid": 1, "log": list(map(str, files)), "rule_msg": told}
    logger.error("Error", extra=facts)
    assert capsys.readouterr().err == f"difnet: timing toy failed: {reason}\n"


def test_a_job_without_a_word_is_told_with_the_place_of_its_log(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(tmp_path / "on-another-machine.log")
    JobLines(PLANNED).attach(logger)
    started(logger, 1, "timing", benchmark="toy")
    told = "For further error details see the cluster log"
    facts = {"event": LogEvent.JOB_ERROR, "jobid": 1, "log": [log], "rule_msg": told}
    logger.error("Error", extra=facts)
    assert capsys.readouterr().err == f"difnet: timing toy failed: it left no message; see {log}\n"


def test_the_stream_hides_what_a_line_replaces(logger: logging.Logger) -> None:
    JobLines(PLANNED).attach(logger)
    logger.info("Select jobs to execute...")
    logger.info("Execute 2 jobs...")
    finished(logger, 1)
    logger.info(None, extra={"event": LogEvent.PROGRESS, "done": 1, "total": 2})
    logger.error("a real message")
    (handler,) = [item for item in logger.handlers if isinstance(item, logging.StreamHandler)]
    assert handler.stream.getvalue() == "a real message\n"
