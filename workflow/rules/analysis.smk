rule analysis:
    input:
        scores=files_of_runs("scores.csv"),
        per_image=files_of_runs("per_image.parquet"),
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
        runs=run_directories,
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
        out=subpath(output[0], parent=True),
    shell:
        "difnet analyse {params.runs} --reference {params.reference} --claims {input.claims}"
        " --timing {input.timing} --growth {input.growth} --out {params.out} > {log} 2>&1"
