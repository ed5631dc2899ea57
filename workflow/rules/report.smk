rule report:
    input:
        tables=expand(
            "results/{benchmark}/{table}.csv",
            benchmark=BENCHMARKS,
            table=[
                "scores",
                "summary",
                "comparisons",
                "claims",
                "claim_tests",
                "timing",
                "growth",
                "timing/breakdown",
                "timing/features",
            ],
        ),
        runs=run_files("weights.safetensors", "history.csv", "environment.json"),
        galleries=expand("results/{benchmark}/gallery.npz", benchmark=BENCHMARKS),
        sections=section_files,
    output:
        all="results/report.html",
        each=expand("results/{benchmark}/report.html", benchmark=BENCHMARKS),
    log:
        "results/logs/report.log",
    params:
        plans=[part.sha256 for part in BENCHMARKS.values()],
        code=code_sha256("report"),
        folders=[f"results/{folder}" for folder in BENCHMARKS],
    shell:
        "difnet report {params.folders:q} --out {output.all:q} > {log:q} 2>&1"
