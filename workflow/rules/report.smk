rule report:
    input:
        tables=expand(
            sealed("results/{benchmark}/{table}.csv"),
            benchmark=BENCHMARKS,
            table=[
                "scores",
                "summary",
                "comparisons",
                "claims",
                "claim_tests",
                "courses",
                "convergence",
            ],
        ),
        timing=sealed(
            *timing_files("timing", "growth", "timing/breakdown", "timing/features")
        ),
        runs=run_files(
            "weights.safetensors", *sealed("history.csv"), "environment.json"
        ),
        data=[
            sealed(f"results/{part.benchmark}/data/index.json")
            for part in BENCHMARKS.values()
        ],
        galleries=expand(
            sealed("results/{benchmark}/gallery.npz"), benchmark=BENCHMARKS
        ),
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


# Where a job has failed, the report is made of what there is, with the failures. Its tables and pages get the time 0:
# once there is more, the rules write them again. Who interrupts a run is not kept waiting.
onerror:
    for folder, part in BENCHMARKS.items() if ended_by_failures() else ():
        base = f"results/{folder}"
        runs = [
            str(Path(file).parent)
            for file in run_files("scores.csv", benchmarks=[folder])
            if Path(file).is_file()
        ]
        costs = timing_files("timing", "growth", benchmarks=[folder])
        timed = cost_options(file for file in costs if Path(file).is_file())
        looks = looks_options(folder)
        names = "scores runs summary comparisons claims claim_tests courses convergence".split()
        analysed = [f"{base}/{name}.csv" for name in names]
        if runs:
            shell(
                "difnet analyse {runs:q} --reference {part.reference:q} {timed} {looks} --out {base:q}"
                " > {base:q}/logs/analysis.log 2>&1 && touch -d @0 {analysed:q} || true"
            )
    folders = [f"results/{folder}" for folder in BENCHMARKS]
    pages = [
        "results/report.html",
        *(f"{folder}/report.html" for folder in folders),
    ]
    if ended_by_failures():
        shell(
            "mkdir -p results/logs; difnet report {folders:q} > results/logs/report.log 2>&1"
            " && touch -d @0 {pages:q} && echo 'difnet: results/report.html shows what there is;"
            " run the same command again to continue' >&2 || true"
        )
