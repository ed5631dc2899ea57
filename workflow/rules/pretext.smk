rule pretext:
    """Weights that `model.weights: pretext` stands for; one file for all runs that start alike."""
    output:
        sealed("results/{benchmark}/pretext/{start}.safetensors"),
    log:
        "results/{benchmark}/logs/pretext/{start}.log",
    resources:
        gpu=min(GPUS, 1),
        mem_mb=doubled(4000),
        runtime=doubled(60),
    params:
        code=lambda wildcards: code_sha256(
            "pretext", dataset=PROJECT.benchmark(wildcards.benchmark).data.name
        ),
        run=starting_run,
    shell:
        "difnet pretext {params.run:q} > {log:q} 2>&1"
