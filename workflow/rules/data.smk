rule data:
    input:
        code=code_of("prepare"),
    output:
        "results/{benchmark}/data/index.json",
    log:
        "results/{benchmark}/logs/data.log",
    params:
        config=lambda wildcards: values(BENCHMARKS[wildcards.benchmark].data),
    shell:
        "difnet prepare {wildcards.benchmark} > {log} 2>&1"
