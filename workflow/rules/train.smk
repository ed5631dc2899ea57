rule train:
    input:
        data="results/{benchmark}/data/index.json",
        weights=weights_of,
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
    threads: lambda wildcards: processes(wildcards) * run_config(wildcards).train.threads
    resources:
        gpu=lambda wildcards: min(GPUS, processes(wildcards)),
    params:
        config=lambda wildcards: values(run_config(wildcards)),
        out=subpath(output[0], parent=True),
        assignments=assignments,
        processes=processes_option,
        weights=lambda wildcards, input: [
            f"--weights-from {Path(path).parent}" for path in input.weights
        ],
    shell:
        "difnet train --benchmark {wildcards.benchmark} --ablation {wildcards.variant}"
        " --seed {wildcards.seed} --out {params.out} {params.processes} {params.weights} {params.assignments}"
        " --overwrite 2>&1 | tee {log}"
