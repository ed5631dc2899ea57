rule analysis:
    input:
        configs=lambda wildcards: run_files(
            "config.yaml", benchmarks=[wildcards.benchmark]
        ),
        scores=lambda wildcards: run_files(
            "scores.csv", "per_image.parquet", benchmarks=[wildcards.benchmark]
        ),
        timing="results/{benchmark}/timing.csv",
        growth="results/{benchmark}/growth.csv",
        claims="workflow/claims.yaml",
        code=code_of("analyse"),
    output:
        multiext(
            "results/{benchmark}/",
            "scores.csv",
            "runs.csv",
            "summary.csv",
            "comparisons.csv",
            "claims.csv",
        ),
    log:
        "results/{benchmark}/logs/analysis.log",
    params:
        runs=lambda wildcards, input: [Path(config).parent for config in input.configs],
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
        out=subpath(output[0], parent=True),
    shell:
        "difnet analyse {params.runs} --reference {params.reference} --claims {input.claims}"
        " --timing {input.timing} --growth {input.growth} --out {params.out} > {log} 2>&1"
