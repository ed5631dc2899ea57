"""Where a run fails, the report is made of the others and says why; mended, the next start makes the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from difnet.tables import COMPARISONS, ORIGINS
from tests.workflow.conftest import Project

FAILING = "title: Failing\nquestion: Q\nextends: cascade\ntags: [own]\ntrain: {learning_rate: 1e30}\n"
MENDED = FAILING.replace("1e30", "0.01")
SELECTION = ("benchmarks=[tiny]", "ablations=[cascade,failing]", "seeds=[0]", "timing=false")
TABLES = ("scores", "runs", "summary", "comparisons", "claims", "claim_tests")


def test_the_report_is_made_of_what_there_is(project: Project) -> None:
    folder = project.root / "results" / "tiny"
    analysed = [folder / f"{name}.csv" for name in TABLES]
    pages = [folder / "report.html", project.root / "results" / "report.html"]
    with project.files({"ablations/failing.yaml": FAILING}):
        failed = project.snakemake("--keep-going", config=SELECTION)
        assert failed.returncode == 1
        assert "difnet: train failing seed 0 failed: " in failed.stderr
        assert "difnet: results/report.html shows what there is; run the same command again" in failed.stderr
        origins = ORIGINS.rows(ORIGINS.read(folder / "runs.csv"))
        assert [(row.variant, row.seed) for row in origins] == [("cascade", 0)]
        for page in pages:
            assert "the loss is " in page.read_text() and "lower train.learning_rate" in page.read_text()
        assert {path.stat().st_mtime for path in (*analysed, *pages)} == {0.0}, (
            "no rule takes them for its own"
        )
        (folder.parent.parent / "ablations" / "failing.yaml").write_text(MENDED)
        project.run(config=SELECTION)
        (row,) = {row.variant for row in COMPARISONS.rows(COMPARISONS.read(folder / "comparisons.csv"))}
        assert row == "failing"
        assert "lower train.learning_rate" not in pages[0].read_text()
        assert min(path.stat().st_mtime for path in (*analysed, *pages)) > 0
    project.run()


def test_an_interrupt_is_not_kept_waiting(project: Project) -> None:
    """The jobs that Ctrl-C ends have not failed: no table and no page is written."""
    before = project.contents("results/tiny")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "1",
        "--config",
        "benchmarks=[tiny]",
        "seeds=[7]",
    ]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test-suite in the background may ignore it
    snakemake = subprocess.Popen(command, cwd=project.root, start_new_session=True, **options)
    signal.signal(signal.SIGINT, former)
    log = project.root / "results" / "tiny" / "logs" / "train" / "cascade" / "seed7.log"
    while not log.exists():
        assert snakemake.poll() is None, snakemake.communicate()[1]
        time.sleep(0.05)
    os.killpg(snakemake.pid, signal.SIGINT)  # as a terminal does
    said = snakemake.communicate(timeout=60)[1]
    assert "shows what there is" not in said
    after = project.contents("results/tiny")
    written = [*(f"{name}.csv" for name in TABLES), "report.html"]
    assert {name: after.get(name) for name in written} == {name: before[name] for name in written}
    project.run()
