rule timing:
    """Runs alone: it takes all cores and the GPU."""
    input:
        data="results/{benchmark}/data/index.json",
        trained=first_run_of_reference,
        code=code_of("time"),
    output:
        multiext("results/{benchmark}/", "timing.csv", "growth.csv"),
    log:
        "results/{benchmark}/logs/timing.log",
    threads: workflow.cores
    resources:
        gpu=min(GPUS, 1),
    params:
        config=lambda wildcards: BENCHMARKS[
            wildcards.benchmark
        ].timing.model_dump_json(),
        models=lambda wildcards: {
            variant: run.model.model_dump_json()
            for (name, variant, _), run in RUNS.items()
            if name == wildcards.benchmark
        },
        out=subpath(output[0], parent=True),
        trained=lambda wildcards, input: Path(input.trained[0]).parent,
    shell:
        "difnet time --benchmark {wildcards.benchmark} --out {params.out}"
        " --trained {params.trained} > {log} 2>&1"
