"""What the workflow says on the terminal: one line a job, with the time left, in place of Snakemake's own."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

from difnet.machine.progress import duration, say

HIDDEN = ("JOB_FINISHED", "PROGRESS")
"""Snakemake's events that a line of ours takes the place of."""
CHATTER = ("Select jobs to execute", "Execute ")
"""Beginnings of its messages that say nothing about the work."""
PROGRAM = "difnet: "
"""Begins every error of a command."""
ADVICE = re.compile(r"\n|Detailed failure reason|For further error details")
"""Follows what Snakemake's Slurm plugin has to say of a job."""
SLURM = re.compile(r"slurmstepd\S*: error: (.+)")
"""What Slurm says first when it ends a job: for its memory, its time, or by scancel."""


class JobLines(logging.Handler):
    """Takes the events of Snakemake's logger, and says for each job that ended what is left.

    Args:
        planned: How many jobs of each rule there are.
    """

    def __init__(self, planned: Counter[str]) -> None:
        super().__init__()
        self.planned = planned
        self.total = planned.total()
        self.done = 0
        self.began = time.monotonic()
        self.running: dict[int, tuple[str, str, float]] = {}
        """Rule, name and start of each job, by its number."""
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        """That the finished jobs of each rule took."""

    def attach(self, logger: logging.Logger) -> None:
        """Listen to a logger, and hide from its streams what is said here."""
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_news)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note a job that starts; say so of one that ends or fails."""
        event = _event(record)
        facts: dict[str, Any] = record.__dict__
        if event == "JOB_INFO":
            words = [facts["rule_name"], *_run(facts["wildcards"] or {})]
            self.running[facts["jobid"]] = facts["rule_name"], " ".join(words), time.monotonic()
        elif event == "JOB_FINISHED" and facts["job_id"] in self.running:
            rule, name, start = self.running.pop(facts["job_id"])
            self.done += 1
            self.seconds[rule].append(time.monotonic() - start)
            if rule != "all":
                took = duration(self.seconds[rule][-1])
                say(f"[{self.done} of {self.total}] {name}: {took}{self._left()}")
        elif event == "JOB_ERROR" and facts["jobid"] in self.running:
            _, name, _ = self.running.pop(facts["jobid"])
            say(f"difnet: {name} failed: {_reason(facts['log'], facts.get('rule_msg'))}")

    def _left(self) -> str:
        """The time left, by the mean of the finished jobs of each rule; a bound where a rule is to come."""
        left = {rule: count - len(self.seconds.get(rule, ())) for rule, count in self.planned.items()}
        known = sum(
            count * fmean(self.seconds[rule]) for rule, count in left.items() if self.seconds.get(rule)
        )
        together = sum(map(sum, self.seconds.values())) / max(time.monotonic() - self.began, 1e-3)
        if not known:
            return ""
        unknown = any(count and rule not in self.seconds for rule, count in left.items() if rule != "all")
        return f"; {'at least' if unknown else 'about'} {duration(known / max(together, 1.0))} left"


def _event(record: logging.LogRecord) -> str:
    return getattr(getattr(record, "event", None), "name", "")


def _is_news(record: logging.LogRecord) -> bool:
    return _event(record) not in HIDDEN and not record.getMessage().startswith(CHATTER)


def _run(wildcards: dict[str, str]) -> list[str]:
    """The words that name a job's run, or its benchmark where it is of no run."""
    if "variant" in wildcards:
        return [wildcards["variant"], f"seed {wildcards['seed']}"]
    return [wildcards["benchmark"]] if "benchmark" in wildcards else []


def _reason(logs: list[str], told: str | None) -> str:
    """Why a job failed: what Slurm or the job itself says of an error, its state, or its last line.

    Args:
        logs: Files, that of the rule first, then that of the batch system.
        told: What the batch system says of the job.
    """
    texts = [
        log.read_text(encoding="utf-8", errors="replace").strip() for log in map(Path, logs) if log.is_file()
    ]
    lines = [line for text in texts for line in text.splitlines()]
    ended = next((match[1] for line in lines if (match := SLURM.match(line))), None)
    if ended:
        return ended
    errors = [line for line in lines if line.startswith(PROGRAM)]
    if errors:
        return errors[-1].removeprefix(PROGRAM)
    if said := ADVICE.split(told or "")[0].strip():
        return said
    last = next((text.rpartition("\n")[2] for text in texts if text), None)
    return last or f"it left no message; see {', '.join(logs) or 'the lines above'}"
