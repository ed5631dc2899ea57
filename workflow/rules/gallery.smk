rule gallery:
    """Images chosen by their scores, with the answer of every variant's first seed."""
    input:
        data="results/{benchmark}/data/index.json",
        configs=lambda wildcards: run_files(
            "config.yaml", benchmarks=[wildcards.benchmark]
        ),
        weights=lambda wildcards: run_files(
            "weights.safetensors", benchmarks=[wildcards.benchmark]
        ),
        statistics=lambda wildcards: run_files(
            "per_image.parquet", benchmarks=[wildcards.benchmark]
        ),
        code=code_of("evaluate"),
    output:
        "results/{benchmark}/gallery.npz",
    log:
        "results/{benchmark}/logs/gallery.log",
    threads: lambda wildcards: PLAN.first_runs(wildcards.benchmark)[0].train.threads
    resources:
        gpu=min(GPUS, 1),
    params:
        runs=lambda wildcards, input: [Path(config).parent for config in input.configs],
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
    shell:
        "difnet gallery {params.runs:q} --reference {params.reference:q} --out {output} > {log} 2>&1"
