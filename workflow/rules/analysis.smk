rule analysis:
    input:
        scores=lambda wildcards: run_files(
            *sealed("scores.csv", "per_image.parquet", "along.csv", "history.csv"),
            benchmarks=[wildcards.benchmark],
        ),
        costs=lambda wildcards: sealed(*cost_files(wildcards)),
    output:
        multiext(
            "results/{benchmark}/",
            *sealed(
                "scores.csv",
                "runs.csv",
                "summary.csv",
                "comparisons.csv",
                "claims.csv",
                "claim_tests.csv",
                "courses.csv",
                "convergence.csv",
            ),
        ),
    log:
        "results/{benchmark}/logs/analysis.log",
    params:
        runs=run_folders,
        reference=lambda wildcards: BENCHMARKS[wildcards.benchmark].reference,
        code=code_sha256("analyse"),
        claims=values(CLAIMS),
        costs=lambda wildcards, input: cost_options(cost_files(wildcards)),
        looks=lambda wildcards: looks_options(wildcards.benchmark),
        out=subpath(output[0], parent=True),
    shell:
        "difnet analyse {params.runs:q} --reference {params.reference:q} {params.costs} {params.looks}"
        " --out {params.out:q} > {log:q} 2>&1"
