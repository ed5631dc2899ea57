"""What all rules share: the selected benchmarks, their variants and seeds, and the code of each stage."""

import sys
from pathlib import Path

from difnet.config import InputError, load_benchmark, resolve_run, select_ablations
from difnet.config.machine import gpu_count, shell_prefix
from difnet.config.sources import sources

ROOT = Path(workflow.basedir)
GPUS = gpu_count()
shell.prefix(shell_prefix())

try:
    BENCHMARKS = {name: load_benchmark(ROOT, name) for name in config["benchmarks"]}
    VARIANTS = {
        name: select_ablations(ROOT, benchmark)
        for name, benchmark in BENCHMARKS.items()
    }
    RUNS = {
        (name, variant, str(seed)): resolve_run(
            ROOT, benchmark=name, ablation=variant, seed=seed
        )
        for name, benchmark in BENCHMARKS.items()
        for variant in VARIANTS[name]
        for seed in benchmark.seeds
    }
except InputError as error:
    print(f"difnet: {error}", file=sys.stderr)
    sys.exit(2)


wildcard_constraints:
    benchmark="[^/]+",
    variant="[^/]+",
    seed=r"\d+",


def code_of(stage):
    """The library files that a stage reaches: editing one re-runs the stage."""
    return [str(path.relative_to(ROOT)) for path in sources(stage)]


def run_config(wildcards):
    return RUNS[wildcards.benchmark, wildcards.variant, wildcards.seed]


def first_run_of_reference(wildcards):
    """The weights whose features the operators are timed on, and their configuration."""
    benchmark = BENCHMARKS[wildcards.benchmark]
    run = f"results/{wildcards.benchmark}/runs/{benchmark.reference}/seed{benchmark.seeds[0]}"
    return [f"{run}/weights.safetensors", f"{run}/config.yaml"]


def run_files(*names, benchmarks=BENCHMARKS):
    """The files of these names in every run of the benchmarks."""
    return [
        f"results/{benchmark}/runs/{variant}/seed{seed}/{name}"
        for benchmark, variant, seed in RUNS
        if benchmark in benchmarks
        for name in names
    ]
