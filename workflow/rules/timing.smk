# Whatever is timed runs alone: it takes all cores and the GPU.


rule operators:
    input:
        data="results/{benchmark}/data/index.json",
        trained=reference_run,
        code=code_of("time"),
    output:
        operators="results/{benchmark}/timing/operators.csv",
        growth="results/{benchmark}/growth.csv",
    log:
        "results/{benchmark}/logs/operators.log",
    threads: workflow.cores
    resources:
        gpu=min(GPUS, 1),
    params:
        config=lambda wildcards: values(BENCHMARKS[wildcards.benchmark].timing),
        out=subpath(output.growth, parent=True),
        trained=lambda wildcards, input: Path(input.trained[0]).parent,
        selection=selection,
    shell:
        "difnet time --benchmark {wildcards.benchmark} --only operators --out {params.out}"
        " --trained {params.trained} {params.selection} > {log} 2>&1"


rule networks:
    input:
        data="results/{benchmark}/data/index.json",
        code=code_of("time"),
    output:
        multiext("results/{benchmark}/timing/", "networks.csv", "breakdown.csv"),
    log:
        "results/{benchmark}/logs/networks.log",
    threads: workflow.cores
    resources:
        gpu=min(GPUS, 1),
    params:
        config=lambda wildcards: values(BENCHMARKS[wildcards.benchmark].timing),
        networks=lambda wildcards: [
            values(run, exclude={"seed", "data", "evaluate"})
            for run in PLAN.first_runs(wildcards.benchmark)
        ],
        out=subpath(output[0], ancestor=2),
        selection=selection,
    shell:
        "difnet time --benchmark {wildcards.benchmark} --only networks --out {params.out}"
        " {params.selection} > {log} 2>&1"


rule timing:
    input:
        operators="results/{benchmark}/timing/operators.csv",
        networks="results/{benchmark}/timing/networks.csv",
    output:
        "results/{benchmark}/timing.csv",
    log:
        "results/{benchmark}/logs/timing.log",
    shell:
        "(cmp <(head -n 1 {input.operators}) <(head -n 1 {input.networks})"
        " && cat {input.operators} <(tail -n +2 {input.networks}) > {output}) 2> {log}"
