rule report:
    input:
        tables=expand(
            "results/{benchmark}/{table}.csv",
            benchmark=BENCHMARKS,
            table=["scores", "summary", "comparisons", "claims", "timing", "growth"],
        ),
        breakdowns=expand(
            "results/{benchmark}/timing/breakdown.csv", benchmark=BENCHMARKS
        ),
        runs=run_files(
            "config.yaml",
            "weights.safetensors",
            "history.csv",
            "environment.json",
        ),
        galleries=expand("results/{benchmark}/gallery.npz", benchmark=BENCHMARKS),
        benchmarks=expand("workflow/benchmarks/{benchmark}.yaml", benchmark=BENCHMARKS),
        ablations=expand("ablations/{name}.yaml", name=PLAN.ablations),
        sections=section_files,
        code=code_of("report"),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    params:
        benchmarks=" ".join(f"--benchmark {benchmark}" for benchmark in BENCHMARKS),
        selection=selection,
    shell:
        "difnet report {params.benchmarks} {params.selection} --results results --out {output} > {log} 2>&1"
