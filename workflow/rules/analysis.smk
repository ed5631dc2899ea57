rule analysis:
    input:
        scores=lambda wildcards: run_files(
            "scores.csv",
            "per_image.parquet",
            "along.csv",
            "history.csv",
            benchmarks=[wildcards.benchmark],
        ),
        timing="results/{benchmark}/timing.csv",
        growth="results/{benchmark}/growth.csv",
    output:
        multiext(
            "results/{benchmark}/",
            "scores.csv",
            "runs.csv",
            "summary.csv",
            "comparisons.csv",
            "claims.csv",
            "claim_tests.csv",
            "courses.csv",
            "convergence.csv",
        ),
    log:
        "results/{benchmark}/logs/analysis.log",
    params:
        runs=run_folders,
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
        code=code_sha256("analyse"),
        claims=values(CLAIMS),
        looks=lambda wildcards: looks_options(wildcards.benchmark),
        out=subpath(output[0], parent=True),
    shell:
        "difnet analyse {params.runs:q} --reference {params.reference:q} --timing {input.timing:q}"
        " --growth {input.growth:q} {params.looks} --out {params.out:q} > {log:q} 2>&1"
