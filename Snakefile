"""DifNet-Bench: train every variant, score it, time it, compare, judge the claims, report."""


configfile: "workflow/config.yaml"


# Python and the packages of requirements.lock: apptainer build difnet.sif apptainer.def. With `--sdm apptainer` only.
container: "difnet.sif"


include: "workflow/rules/plan.smk"
include: "workflow/rules/storage.smk"
include: "workflow/rules/scheduler.smk"


rule all:
    input:
        "results/report.html",
        run_files("weights.safetensors", "scores.csv"),


include: "workflow/rules/data.smk"
include: "workflow/rules/pretext.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/timing.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/ablations.smk"
