rule train:
    input:
        data=data_index,
        weights=weights_of,
        pretext=pretext_of,
    output:
        multiext(
            "results/{benchmark}/runs/{variant}/seed{seed}/",
            "weights.safetensors",
            *sealed("history.csv"),
            "environment.json",
        ),
    log:
        "results/{benchmark}/logs/train/{variant}/seed{seed}.log",
    threads: lambda wildcards: processes(wildcards) * run_config(wildcards).train.threads
    resources:
        gpu=lambda wildcards: min(GPUS, processes(wildcards)),
        cpus_per_task=lambda wildcards: processes(wildcards)
        * (run_config(wildcards).train.threads + run_config(wildcards).train.workers),
        mem_mb=asked("mem_mb"),
        runtime=asked("minutes"),
    params:
        recipe=lambda wildcards: run_config(wildcards).training_identity(),
        code=code_sha256("train"),
        run=subpath(output[0], parent=True),
        processes=processes_option,
        weights=lambda wildcards, input: [
            f"--weights-from {Path(path).parent}" for path in input.weights[:1]
        ],
    # A batch system signals every process of a job: what has to outlive the training's last words waits for it.
    shell:
        "trap : TERM\n"
        "difnet train {params.run:q} {params.processes} {params.weights} --overwrite 2>&1 > /dev/null"
        " | (trap '' TERM; exec tee -i {log:q})"
