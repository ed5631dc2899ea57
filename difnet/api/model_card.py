"""The card of an exported network, in the form that model hubs read: values for machines, then text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import difnet
from difnet.config import RunConfig, RunFolder
from difnet.data import open_dataset
from difnet.data.dataset import Dataset
from difnet.tables import SCORES, SUMMARY, ScoreRow, SummaryRow, Table
from difnet.tables.table import Row

SHOWN = ("miou", "boundary_f", "pixel_accuracy")
"""Metrics of the card, where the run has them."""

TEXT = """\
# {variant} of {benchmark}

{network}, trained on {title} (seed {seed}, {steps} steps) by DifNet-Bench {version}, which diffuses by the
learned similarities of DifNet (Jiang et al., NeurIPS 2018).

    import difnet
    network = difnet.load("FOLDER")        # this folder
    network.predict("photo.jpg").save("labels.png")

**Classes**: {classes}.
**Images**: RGB of any size; normalisation `{normalisation}` is part of `difnet.load`{program}.

{scores}

**Data**: {citation}.
{synthetic}
`config.yaml` is the whole recipe, `environment.json` the machine and the SHA-256 of the weights.
"""


def model_card(run: Path, config: RunConfig, *, parameters: int, size: tuple[int, int] | None) -> str:
    """The card of a trained run.

    Args:
        run: Its directory; scores are taken from it and from the tables of the study around it.
        config: Its configuration.
        parameters: Number of parameters of the network.
        size: Height and width of the images that the exported program takes; None without a program.
    """
    dataset, record = open_dataset(config.data), RunFolder(run).record()
    study = run.parents[2] if len(run.parents) > 2 and run.parent.parent.name == "runs" else run
    own = [
        row
        for row in _rows(SCORES, run) or _rows(SCORES, study)
        if (row.variant, row.seed) == (config.variant, config.seed) and row.metric in SHOWN and not row.class_
    ]
    means = {(row.metric, row.split): row for row in _rows(SUMMARY, study) if row.variant == config.variant}
    backbone = f" on `{config.model.backbone}`" if config.model.backbone else ""
    text = TEXT.format(
        variant=config.variant,
        benchmark=config.benchmark,
        network=f"`{config.model.name}`{backbone}, {parameters:,} parameters",
        title=dataset.title,
        seed=config.seed,
        steps=config.train.steps,
        version=difnet.__version__,
        classes=", ".join(record["classes"]),
        normalisation=config.model.normalisation,
        program="" if size is None else f"; `model.pt2` takes bytes (1, {size[0]}, {size[1]}, 3) as they are",
        scores=_table(own, means),
        citation=dataset.citation,
        synthetic="\nThese images are generated: the scores say nothing about photographs.\n"
        * dataset.synthetic,
    )
    return f"---\n{yaml.safe_dump(_values(config, own, dataset), sort_keys=False)}---\n{text}"


def _rows(table: Table[Row], folder: Path) -> list[Row]:
    """The rows of a table in a folder; none where it has none."""
    path = folder / table.name
    return table.rows(table.read(path)) if path.is_file() else []


def _table(own: Sequence[ScoreRow], means: Mapping[tuple[str, str], SummaryRow]) -> str:
    """Markdown: the scores of this run beside the means of its variant with their intervals."""
    if not own:
        return "It was not scored."
    lines = ["| metric | split | this run | mean over seeds, 95% interval |", "|---|---|---|---|"]
    for row in own:
        mean = means.get((row.metric, row.split))
        shown = (
            f"{mean.mean:.4f} [{mean.ci_low:.4f}, {mean.ci_high:.4f}], {mean.n_seeds} seeds" if mean else ""
        )
        lines.append(f"| `{row.metric}` | {row.split} | {row.value:.4f} | {shown} |")
    return "\n".join(lines)


def _values(config: RunConfig, own: Sequence[ScoreRow], dataset: Dataset) -> dict[str, Any]:
    """What hubs search and sort by."""
    results = [
        {"type": row.metric, "name": f"{row.metric} ({row.split})", "value": round(row.value, 6)}
        for row in own
    ]
    task = {"type": "image-segmentation"}
    return {
        "license": "mit" if dataset.synthetic else "other",  # that of the images may bind the weights
        "library_name": "difnet",
        "pipeline_tag": "image-segmentation",
        "tags": ["difnet", "semantic-segmentation", "random-walk"],
        "model-index": [
            {
                "name": f"{config.benchmark}-{config.variant}-seed{config.seed}",
                "results": [
                    {
                        "task": task,
                        "dataset": {"type": config.data.name, "name": dataset.title},
                        "metrics": results,
                    }
                ],
            }
        ],
    }
