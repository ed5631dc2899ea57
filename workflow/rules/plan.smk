"""What is run: every benchmark's plan, and what the other rules ask of it."""

import json
import logging
import re
import sys
from collections import Counter
from pathlib import Path

from snakemake_interface_executor_plugins.settings import DeploymentMethod

from difnet.config import (
    InputError,
    Project,
    code_sha256,
    plan,
    training_steps,
)
from difnet.config.project_files import check_version
from difnet.machine.gpus import gpu_count, shell_prefix
from difnet.machine.job_lines import JobLines

PROJECT = Project(Path(workflow.basedir))
CORES = (
    workflow.resource_settings.cores or 1
)  # none are given to --unlock, --summary, --report
IN_IMAGE = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
shell.prefix(shell_prefix(image=IN_IMAGE))

# Snakemake ignores a resource without a limit: all visible GPUs, where a profile or `--resources gpu=1` does not say
# otherwise, as that of a cluster does, whose head node may have none.
if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_count())
GPUS = workflow.global_resources["gpu"].value


def stop(message):
    """End before any job starts: a mistake of the user is one line, exit code 2."""
    print(f"difnet: {message}", file=sys.stderr)
    sys.exit(2)


def check_custom_diffusion(parts):
    """Import the classes of `ablations/NAME.py` that the runs name; PyTorch only where there are any."""
    runs = [run for part in parts for run in part.first_runs]
    names = {run.model.diffusion for run in runs if run.diffusion_sha256}
    if names:
        from difnet.models.custom_rules import load_diffusion

        for name in sorted(names):
            load_diffusion(PROJECT.root, name)


try:
    check_version(PROJECT.root)
    PLAN = plan(PROJECT, config)
    CLAIMS = PROJECT.claims
    check_custom_diffusion(PLAN.benchmarks.values())
except InputError as error:
    stop(error)

if workflow.is_main_process and 0 < GPUS < PLAN.selection.processes:
    stop(
        f"processes: {PLAN.selection.processes} asked for, {GPUS} GPUs visible; one a process"
    )

BENCHMARKS = PLAN.benchmarks  # by folder of the results
RUNS = {
    (folder, run.variant, str(run.seed)): run
    for folder, part in BENCHMARKS.items()
    for run in part.runs
}
if workflow.is_main_process:
    for line in PLAN.left_out:
        print(f"difnet: {line}", file=sys.stderr)


def any_of(names):
    return "|".join(sorted(map(re.escape, set(names))))


# A target of anything that is not selected is no target of any rule.
wildcard_constraints:
    benchmark=any_of([*BENCHMARKS, *(part.benchmark for part in BENCHMARKS.values())]),
    variant=any_of(run.variant for run in RUNS.values()),
    seed=any_of(str(run.seed) for run in RUNS.values()),


def values(settings, **choice):
    """A part of the configuration as text that is the same in whatever order the keys were written."""
    return json.dumps(settings.model_dump(mode="json", **choice), sort_keys=True)


def run_config(wildcards):
    return RUNS[wildcards.benchmark, wildcards.variant, wildcards.seed]


def run_files(*names, benchmarks=BENCHMARKS, variants=None):
    """The files of these names in every run of the benchmarks, or of some variants only."""
    return [
        f"results/{folder}/runs/{variant}/seed{seed}/{name}"
        for folder, variant, seed in RUNS
        if folder in benchmarks and (variants is None or variant in variants)
        for name in names
    ]


def run_folders(wildcards):
    """The folders of all runs of a benchmark."""
    return [
        Path(path).parent
        for path in run_files("scores.csv", benchmarks=[wildcards.benchmark])
    ]


def data_index(wildcards):
    """The prepared data of a benchmark, which its other recipes share."""
    return sealed(
        f"results/{BENCHMARKS[wildcards.benchmark].benchmark}/data/index.json"
    )


def weights_of(wildcards):
    """The weights that a run takes over instead of training."""
    other = run_config(wildcards).weights_of
    folder = f"results/{wildcards.benchmark}/runs/{other}/seed{wildcards.seed}"
    return sealed(f"{folder}/weights.safetensors") if other else []


def pretext_of(wildcards):
    """The pretext weights that a run starts from, which its benchmark's other recipes share."""
    run = run_config(wildcards)
    start = run.pretext_identity()
    file = f"results/{run.benchmark}/pretext/{start}.safetensors"
    return sealed(file) if start else []


def starting_run(wildcards, input):
    """A run that starts from pretext weights; takes the input, so that it may be another one than the last time."""
    return next(
        f"results/{folder}/runs/{variant}/seed{seed}"
        for (folder, variant, seed), run in RUNS.items()
        if run.pretext_identity() == wildcards.start
    )


def processes(wildcards):
    """Processes of a training; one where the run takes no step."""
    return PLAN.selection.processes if training_steps(run_config(wildcards)) else 1


def processes_option(wildcards, input):
    """Takes the input, so that it is not compared with the last time: the result is the same within rounding."""
    count = processes(wildcards)
    return f"--processes {count}" if count > 1 else ""


def reference_run(wildcards):
    """The run whose features the operators are timed on first."""
    part = BENCHMARKS[wildcards.benchmark]
    folder = f"results/{part.folder}/runs/{part.reference}/seed{part.seeds[0]}"
    return sealed(f"{folder}/weights.safetensors")


def timing_files(*names, benchmarks=BENCHMARKS):
    """The tables of these names in the benchmarks that are timed."""
    return [
        f"results/{folder}/{name}.csv"
        for folder in benchmarks
        if BENCHMARKS[folder].timing
        for name in names
    ]


def cost_files(wildcards):
    """The tables of a benchmark that claims about costs rest on; none where nothing is timed."""
    return timing_files("timing", "growth", benchmarks=[wildcards.benchmark])


def cost_options(files):
    """The same, for `difnet analyse`."""
    return [f"--{Path(file).stem} {file}" for file in files]


def looks_options(folder):
    """The numbers of seeds after which verdicts of a benchmark were planned, for `difnet analyse`."""
    return [f"--looks {count}" for count in BENCHMARKS[folder].looks]


def ended_by_failures():
    """Whether jobs have failed and nobody interrupted: Ctrl-C leaves jobs running, SIGTERM is noted."""
    scheduler = workflow.scheduler
    return scheduler.failed and not scheduler.running and not scheduler._user_kill


SECTIONS = []  # name and file, of those that ablations bring along


def section(name, *files):
    """Outputs of a rule in `ablations/NAME.smk`; the report shows them as one section of the benchmark."""
    if name not in PLAN.ablations:
        raise InputError(f"section '{name}': no selected ablation has this name")
    for file in files:
        if not re.fullmatch(r"[\w.-]+\.(csv|html|md|png|svg)", file):
            raise InputError(
                f"section file '{file}': a name that ends in .csv, .html, .md, .png or .svg is expected"
            )
    paths = [f"results/{{benchmark}}/sections/{name}/{file}" for file in files]
    SECTIONS.extend((name, path) for path in paths)
    return paths


def section_files(wildcards):
    """The files of all sections, in the benchmarks that select the ablation."""
    return [
        path.format(benchmark=folder)
        for name, path in SECTIONS
        for folder, part in BENCHMARKS.items()
        if name in part.ablations
    ]


def set_aside(job):
    """Move what a job will make again to `replaced/`, and say so."""
    part = BENCHMARKS[job.wildcards.benchmark]
    folder = part.run_folder(
        PROJECT.results, job.wildcards.variant, int(job.wildcards.seed)
    )
    moved = (
        folder.set_aside() if job.rule.name == "train" else folder.set_scores_aside()
    )
    if moved:
        print(
            f"difnet: {folder.path} is made again; what it held: {moved}",
            file=sys.stderr,
        )


def check_long(jobs):
    """Ask before trainings that take longer than their benchmark's limit; PyTorch only where there is one."""
    for folder, part in BENCHMARKS.items():
        trained = [
            run_config(job.wildcards)
            for job in jobs
            if job.rule.name == "train" and job.wildcards.benchmark == folder
        ]
        if trained and part.gpu_hours is not None:
            from difnet.timing.estimate import check_hours

            check_hours(part, trained, results=PROJECT.results)


# Before any job starts, and in no dry run: what takes too long is asked for; what is finished and will be made again
# is moved aside, since a job's outputs are deleted when it starts; and the plan is written, which jobs read. Whole
# runs go before mere scores. From then on one line a job tells how far the work is.
onstart:
    if not workflow.touch:
        jobs = list(workflow.dag.needrun_jobs())
        try:
            check_long(jobs)
        except InputError as error:
            stop(error)
        lines = JobLines(Counter(job.rule.name for job in jobs))
        lines.attach(logging.getLogger("snakemake.logging"))
        for rule_name in ("train", "evaluate"):
            for job in jobs:
                if job.rule.name == rule_name:
                    set_aside(job)
        for part in BENCHMARKS.values():
            part.write(PROJECT)


# Snakemake's own account of every job, where it has their files. It is no job: it tells of all jobs that there were.
onsuccess:
    command = (
        PLAN.selection.command(*PLAN.selection.benchmarks)
        .replace("{", "{{")
        .replace("}", "}}")
    )
    if not BUCKET:
        shell(
            f"mkdir -p results/logs; {command} --nolock --report results/provenance.html"
            " > results/logs/provenance.log 2>&1"
            " || echo 'difnet: results/provenance.html is not written, see results/logs/provenance.log' >&2"
        )
    # What `difnet report` has said: a line a claim, what is missing, and the path of the page.
    if any(job.rule.name == "report" for job in workflow.dag.finished_jobs):
        shell("cat results/logs/report.log >&2")
