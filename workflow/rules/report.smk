SECTIONS = []


def section(name, *files):
    """Outputs of a rule in `ablations/NAME.smk`; the report shows them as one section of the benchmark."""
    if name not in PLAN.ablations:
        raise InputError(f"section '{name}': no selected ablation has this name")
    for file in files:
        if not re.fullmatch(r"[\w.-]+\.(csv|html|md|png|svg)", file):
            raise InputError(
                f"section file '{file}': a name that ends in .csv, .html, .md, .png or .svg is expected"
            )
    paths = [f"results/{{benchmark}}/sections/{name}/{file}" for file in files]
    SECTIONS.extend((name, path) for path in paths)
    return paths


def section_files(wildcards):
    """The files of all sections, in the benchmarks that select the ablation."""
    return [
        path.format(benchmark=folder)
        for name, path in SECTIONS
        for folder, part in BENCHMARKS.items()
        if name in [variant.ablation for variant in part.variants]
    ]


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
            ],
        ),
        runs=run_files("weights.safetensors", "history.csv", "environment.json"),
        galleries=expand("results/{benchmark}/gallery.npz", benchmark=BENCHMARKS),
        sections=section_files,
    output:
        "results/report.html",
        expand("results/{benchmark}/report.html", benchmark=BENCHMARKS),
    log:
        "results/logs/report.log",
    params:
        plans=[part.sha256 for part in BENCHMARKS.values()],
        code=code_sha256("report"),
        folders=[f"results/{folder}" for folder in BENCHMARKS],
    shell:
        "difnet report {params.folders:q} --out {output[0]:q} > {log:q} 2>&1"


# Snakemake's own account of every job. It is no job: it tells of all jobs that there were.
onsuccess:
    command = (
        PLAN.selection.command(*PLAN.selection.benchmarks)
        .replace("{", "{{")
        .replace("}", "}}")
    )
    shell(
        f"mkdir -p results/logs; {command} --nolock --report results/provenance.html"
        " > results/logs/provenance.log 2>&1"
        " || echo 'difnet: results/provenance.html is not written, see results/logs/provenance.log' >&2"
    )
