rule report:
    input:
        tables=expand(
            "results/{benchmark}/{table}.csv",
            benchmark=BENCHMARKS,
            table=["scores", "summary", "comparisons", "claims", "timing", "growth"],
        ),
        runs=run_files(
            "config.yaml",
            "weights.safetensors",
            "history.csv",
            "environment.json",
            "gallery.npz",
        ),
        benchmarks=expand("workflow/benchmarks/{benchmark}.yaml", benchmark=BENCHMARKS),
        ablations=sorted({f"ablations/{variant}.yaml" for _, variant, _ in RUNS}),
        code=code_of("report"),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    params:
        benchmarks=" ".join(f"--benchmark {benchmark}" for benchmark in BENCHMARKS),
    shell:
        "difnet report {params.benchmarks} --results results --out {output} > {log} 2>&1"
