rule evaluate:
    input:
        data=data_index,
        weights=sealed(
            "results/{benchmark}/runs/{variant}/seed{seed}/weights.safetensors"
        ),
    output:
        multiext(
            "results/{benchmark}/runs/{variant}/seed{seed}/",
            *sealed("scores.csv", "per_image.parquet", "along.csv"),
        ),
    log:
        "results/{benchmark}/logs/evaluate/{variant}/seed{seed}.log",
    threads: lambda wildcards: run_config(wildcards).train.threads
    resources:
        gpu=min(GPUS, 1),
        in_turn=1,
        mem_mb=asked("mem_mb"),
        runtime=doubled(15),
    params:
        protocol=lambda wildcards: values(
            run_config(wildcards).evaluate, exclude={"gallery"}
        ),
        code=code_sha256("evaluate"),
        run=subpath(output[0], parent=True),
    shell:
        "difnet evaluate {params.run:q} > {log:q} 2>&1"


rule gallery:
    """Images chosen by their scores, with the answer of every variant's typical seed."""
    input:
        data=data_index,
        weights=lambda wildcards: run_files(
            *sealed("weights.safetensors"), benchmarks=[wildcards.benchmark]
        ),
        statistics=lambda wildcards: run_files(
            *sealed("scores.csv", "per_image.parquet"),
            benchmarks=[wildcards.benchmark],
        ),
    output:
        sealed("results/{benchmark}/gallery.npz"),
    log:
        "results/{benchmark}/logs/gallery.log",
    threads: lambda wildcards: BENCHMARKS[wildcards.benchmark].first_runs[0].train.threads
    resources:
        gpu=min(GPUS, 1),
        mem_mb=asked("mem_mb"),
        runtime=doubled(60),
    params:
        shown=lambda wildcards: BENCHMARKS[wildcards.benchmark].evaluate.gallery,
        code=code_sha256("gallery"),
        runs=run_folders,
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
        out=lambda wildcards, output: output[0],
    shell:
        "difnet gallery {params.runs:q} --reference {params.reference:q} --out {params.out:q} > {log:q} 2>&1"
