from difnet.data import planned_change
from difnet.data.requirements import check_planned

try:
    for part in BENCHMARKS.values():
        check_planned(part.first_runs, PROJECT.results / part.benchmark / "data")
except InputError as error:
    stop(error)


rule data:
    output:
        sealed("results/{benchmark}/data/index.json"),
    log:
        "results/{benchmark}/logs/data.log",
    params:
        config=lambda wildcards: values(PROJECT.benchmark(wildcards.benchmark).data),
        code=lambda wildcards: code_sha256(
            "prepare", dataset=PROJECT.benchmark(wildcards.benchmark).data.name
        ),
        sources=lambda wildcards: planned_change(
            PROJECT.benchmark(wildcards.benchmark).data,
            PROJECT.results / wildcards.benchmark / "data",
        ),
    shell:
        "difnet prepare {wildcards.benchmark} > {log} 2>&1"
