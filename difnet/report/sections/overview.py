"""What was compared on what."""

from __future__ import annotations

from difnet.config import RunConfig
from difnet.report.load import Results
from difnet.report.numbers import count
from difnet.report.run_records import VariantRuns
from difnet.report.section import Section


def build(results: Results) -> Section:
    """Data set, recipe and variants."""
    return Section(
        key="overview",
        title="What was compared",
        content={
            "facts": _facts(results),
            "variants": [(variant.plan, _changes(variant.plan.config)) for variant in results.variants],
        },
    )


def _facts(results: Results) -> dict[str, str]:
    plan = results.plan
    (reference,) = (variant for variant in results.variants if variant.name == results.reference)
    model, train = reference.plan.config.model, reference.plan.config.train
    size = f" at {plan.data.size[0]} × {plan.data.size[1]} pixels" if plan.data.size else ""
    augmentation = [
        *(["random flip"] if train.flip else []),
        *([f"scale {train.scale[0]:g}–{train.scale[1]:g}"] if train.scale else []),
        *([f"crop {train.crop}"] if train.crop else []),
        *(["photometric changes"] if train.photometric else []),
    ]
    facts = {
        "Data": f"{results.data.title}{size}",
        "Images": ", ".join(f"{name}: {len(split.names):,}" for name, split in results.data.splits.items()),
        "Classes": ", ".join(results.data.classes),
        "Scored on": f"split {results.split}",
        "Network": f"{model.name}{f' on {model.backbone}' if model.backbone else ''}, initial weights: "
        f"{model.weights or 'random'}{f', frozen: {train.freeze}' if train.freeze != 'none' else ''}",
        "Recipe": f"{train.steps:,} steps of batch {train.batch_size}, SGD with momentum {train.momentum:g} "
        f"and weight decay {train.weight_decay:g}, learning rate {train.learning_rate:g} with poly decay "
        f"(power {train.power:g}), {_precision(reference)}; "
        f"augmentation: {', '.join(augmentation) or 'none'}",
        "Seeds": f"{count(len(plan.seeds), 'seed')} a variant: {', '.join(map(str, plan.seeds))}",
        "Reference": results.title_of(results.reference),
        "Citation": results.data.citation,
    }
    return {name: text for name, text in facts.items() if text}


def _precision(variant: VariantRuns) -> str:
    """That of the convolutions while training, as the runs recorded it."""
    used = {str(run.environment["precision"]) for run in variant.runs if "precision" in run.environment}
    return " and ".join(sorted(used)) or "precision not recorded"


def _changes(config: RunConfig) -> list[str]:
    """What the ablation and the sweep set, as `model.repeats = 5`."""
    values = config.model_dump(mode="json")
    found = []
    for key in config.changes:
        value = values
        for part in key.split("."):
            value = value[part]
        found.append(f"{key} = {value}")
    return found
