# Whatever is timed runs alone: it takes all cores and the GPU.


rule operators:
    input:
        data=data_index,
        trained=reference_run,
    output:
        multiext(
            "results/{benchmark}/timing/",
            *sealed("operators.csv", "features.csv"),
            "operators.json",
        ),
        sealed("results/{benchmark}/growth.csv"),
    log:
        "results/{benchmark}/logs/operators.log",
    threads: CORES
    resources:
        gpu=min(GPUS, 1),
        mem_mb=asked("mem_mb"),
        runtime=doubled(240),
    params:
        config=lambda wildcards: values(BENCHMARKS[wildcards.benchmark].timing),
        code=code_sha256("time"),
        folder=subpath(output[0], ancestor=2),
        trained=lambda wildcards, input: Path(input.trained[0]).parent,
    shell:
        "difnet time {params.folder:q} --only operators --trained {params.trained:q} > {log:q} 2>&1\n"
        "grep '^warning: ' {log:q} >&2 || true"


rule networks:
    input:
        data=data_index,
    output:
        multiext(
            "results/{benchmark}/timing/",
            *sealed("networks.csv", "breakdown.csv"),
            "networks.json",
        ),
    log:
        "results/{benchmark}/logs/networks.log",
    threads: CORES
    resources:
        gpu=min(GPUS, 1),
        mem_mb=asked("mem_mb"),
        runtime=doubled(240),
    params:
        config=lambda wildcards: values(BENCHMARKS[wildcards.benchmark].timing),
        networks=lambda wildcards: [
            values(run, include={"model", "train", "weights_of", "diffusion_sha256"})
            for run in BENCHMARKS[wildcards.benchmark].first_runs
        ],
        code=code_sha256("time"),
        folder=subpath(output[0], ancestor=2),
    shell:
        "difnet time {params.folder:q} --only networks > {log:q} 2>&1\n"
        "grep '^warning: ' {log:q} >&2 || true"


rule timing:
    input:
        multiext(
            "results/{benchmark}/timing/",
            *sealed("operators.csv", "networks.csv"),
            "operators.json",
            "networks.json",
        ),
    output:
        sealed("results/{benchmark}/timing.csv"),
    log:
        "results/{benchmark}/logs/timing.log",
    params:
        folder=subpath(output[0], parent=True),
    shell:
        "difnet time {params.folder:q} --only joined > {log:q} 2>&1"
