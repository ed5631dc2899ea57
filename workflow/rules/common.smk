"""What all rules share: the selected benchmarks, their variants and seeds, and the code of each stage."""

import json
import re
import sys
from pathlib import Path

from difnet.config import InputError, ablation_of, plan, training_steps
from difnet.machine.gpus import gpu_count, shell_prefix
from difnet.machine.source_code import sources

ROOT = Path(workflow.basedir)
GPUS = gpu_count()
shell.prefix(shell_prefix())


def stop(message):
    """End before any job starts: a mistake of the user is one line, exit code 2."""
    print(f"difnet: {message}", file=sys.stderr)
    sys.exit(2)


def check_custom_diffusion(runs):
    """Import the classes of `ablations/NAME.py` that the runs name; PyTorch only where there are any."""
    names = {run.model.diffusion for run in runs if run.diffusion_sha256}
    if names:
        from difnet.models.custom_rules import load_diffusion

        for name in sorted(names):
            load_diffusion(ROOT, name)


try:
    PLAN = plan(ROOT, config)
    check_custom_diffusion(PLAN.runs.values())
except InputError as error:
    stop(error)

if 0 < GPUS < PLAN.processes:
    stop(f"processes: {PLAN.processes} asked for, {GPUS} GPUs visible; one a process")

# Snakemake ignores a resource without a limit: all visible GPUs, where `--resources gpu=1` does not say otherwise.
if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPUS)

BENCHMARKS = PLAN.benchmarks
RUNS = PLAN.runs
SECTIONS = []
for line in PLAN.left_out:
    print(f"difnet: {line}", file=sys.stderr)


wildcard_constraints:
    benchmark="[^/]+",
    variant="[^/]+",
    seed=r"\d+",


def code_of(stage):
    """The library files that a stage reaches: editing one re-runs the stage."""
    return [str(path.relative_to(ROOT)) for path in sources(stage)]


def values(settings, **choice):
    """A part of the configuration as text that is the same in whatever order the keys were written."""
    return json.dumps(settings.model_dump(mode="json", **choice), sort_keys=True)


def assignments(wildcards, input):
    """Options that repeat the assignments of the plan, so that a command resolves the same runs.

    What they change is in other params; those that take the input are not compared with the last time.
    """
    return PLAN.assignments


def selection(wildcards, input):
    """Options that repeat the whole selection; not compared either."""
    return PLAN.options


def run_config(wildcards):
    return RUNS[wildcards.benchmark, wildcards.variant, wildcards.seed]


def processes(wildcards):
    """Processes of a training; one where the run takes no step."""
    return PLAN.processes if training_steps(run_config(wildcards)) else 1


def processes_option(wildcards, input):
    """Not compared either: the result is the same within rounding."""
    count = processes(wildcards)
    return f"--processes {count}" if count > 1 else ""


def run_folder(benchmark, variant, seed):
    return f"results/{benchmark}/runs/{variant}/seed{seed}"


def run_files(*names, benchmarks=BENCHMARKS, variants=None):
    """The files of these names in every run of the benchmarks, or of some variants only."""
    return [
        f"{run_folder(benchmark, variant, seed)}/{name}"
        for benchmark, variant, seed in RUNS
        if benchmark in benchmarks and (variants is None or variant in variants)
        for name in names
    ]


def weights_of(wildcards):
    """The weights that a run takes over instead of training."""
    other = run_config(wildcards).weights_of
    folder = run_folder(wildcards.benchmark, other, wildcards.seed)
    return [f"{folder}/weights.safetensors"] if other else []


def reference_run(wildcards):
    """The run whose features the operators are timed on as well."""
    benchmark = BENCHMARKS[wildcards.benchmark]
    folder = run_folder(wildcards.benchmark, benchmark.reference, benchmark.seeds[0])
    return [f"{folder}/weights.safetensors", f"{folder}/config.yaml"]


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
        path.format(benchmark=benchmark)
        for name, path in SECTIONS
        for benchmark in BENCHMARKS
        if name in map(ablation_of, PLAN.variants(benchmark))
    ]
