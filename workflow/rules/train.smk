rule train:
    input:
        data="results/{benchmark}/data/index.json",
        code=code_of("train"),
    output:
        multiext(
            "results/{benchmark}/runs/{variant}/seed{seed}/",
            "config.yaml",
            "weights.safetensors",
            "history.csv",
            "environment.json",
        ),
    log:
        "results/{benchmark}/logs/train/{variant}/seed{seed}.log",
    threads: lambda wildcards: run_config(wildcards).train.threads
    resources:
        gpu=min(GPUS, 1),
    params:
        config=lambda wildcards: run_config(wildcards).model_dump_json(),
        out=subpath(output[0], parent=True),
    shell:
        "difnet train --benchmark {wildcards.benchmark} --ablation {wildcards.variant}"
        " --seed {wildcards.seed} --out {params.out} --overwrite 2>&1 | tee {log}"
