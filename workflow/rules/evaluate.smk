rule evaluate:
    input:
        data="results/{benchmark}/data/index.json",
        config="results/{benchmark}/runs/{variant}/seed{seed}/config.yaml",
        weights="results/{benchmark}/runs/{variant}/seed{seed}/weights.safetensors",
        code=code_of("evaluate"),
    output:
        multiext(
            "results/{benchmark}/runs/{variant}/seed{seed}/",
            "scores.csv",
            "per_image.parquet",
        ),
    log:
        "results/{benchmark}/logs/evaluate/{variant}/seed{seed}.log",
    threads: lambda wildcards: run_config(wildcards).train.threads
    resources:
        gpu=min(GPUS, 1),
    params:
        run=subpath(output[0], parent=True),
    shell:
        "difnet evaluate {params.run} > {log} 2>&1"
