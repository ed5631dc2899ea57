rule data:
    output:
        "results/{benchmark}/data/index.json",
    log:
        "results/{benchmark}/logs/data.log",
    params:
        config=lambda wildcards: values(PROJECT.benchmark(wildcards.benchmark).data),
        code=lambda wildcards: code_sha256(
            "prepare", dataset=PROJECT.benchmark(wildcards.benchmark).data.name
        ),
    shell:
        "difnet prepare {wildcards.benchmark} > {log} 2>&1"
