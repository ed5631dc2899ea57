"""DifNet-Bench: train every variant, score it, time it, compare, judge the claims, report."""


configfile: "workflow/config.yaml"


# A public image with the Python that this project needs; used with `--sdm apptainer` only.
# Make `.venv` inside it first: apptainer exec docker://python:3.11 make .venv/ready
container: "docker://python:3.11"


include: "workflow/rules/plan.smk"
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
