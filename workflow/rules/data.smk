rule data:
    input:
        code=code_of("prepare"),
    output:
        "results/{benchmark}/data/index.json",
    log:
        "results/{benchmark}/logs/data.log",
    params:
        config=lambda wildcards: BENCHMARKS[wildcards.benchmark].data.model_dump_json(),
    shell:
        "difnet prepare {wildcards.benchmark} > {log} 2>&1"
