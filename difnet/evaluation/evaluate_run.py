"""Scores of one run: its weights applied to a split of its data.

B batch, C classes, H W image size, h w grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from difnet.config import InputError, RunConfig, RunFolder, load_run
from difnet.data import Split, load_prepared
from difnet.data.batches import evaluation_batches
from difnet.data.padding import padded, window
from difnet.data.requirements import check_padding
from difnet.diffusion.checks import check_finite
from difnet.evaluation.forward_pass import device_of
from difnet.evaluation.full_size import Size, mean_of_passes, single_pass
from difnet.evaluation.oracle import nearest_labels, oracle_logits
from difnet.machine.locking import alone_in
from difnet.metrics import METRICS, image_statistics, scores_from_statistics
from difnet.metrics.metric import summed
from difnet.models import PixelPrior, load_network
from difnet.models.node_grid import resize
from difnet.tables import ALONG, SCORES, AlongRow
from difnet.training import check_scored_split, choose_device, memory_format, use_threads

SCORED_ALONG = ("miou", "boundary_f")
"""The scores that are followed along training: those of the claims."""


def evaluate_run(directory: Path, *, data: Path, split: str | None = None) -> pd.DataFrame:
    """Score a trained run and write `scores.csv`, `per_image.parquet` and `along.csv` into it.

    Args:
        directory: Run directory with `config.yaml` and `weights.safetensors`.
        data: Folder of the prepared data set.
        split: Split to score; None for the one that the run's configuration names.

    Returns:
        The rows of `scores.csv`: variant, seed, split, metric, class, value.

    Raises:
        InputError: If the run is not complete, does not fit the data, has nothing to diffuse oracle seeds,
            chose its weights on this split, was trained on data of another content, or an image does not fit
            into `evaluate.pad`.
    """
    with alone_in(directory):
        return _evaluate(directory, data=data, split=split)


def _evaluate(directory: Path, *, data: Path, split: str | None) -> pd.DataFrame:
    config = load_run(directory)
    use_threads(config.train.threads)
    prepared = load_prepared(data)
    trained_on = RunFolder(directory).recorded("data_sha256")
    if trained_on and trained_on != prepared.index.sha256:
        raise InputError(
            f"{directory}: was trained on data of another content ({trained_on[:16]}) than {data} holds "
            f"({prepared.index.sha256[:16]}); put the former data back, or train the run again"
        )
    name = split or config.evaluate.split
    check_scored_split(config, name)
    samples = prepared.split(name)
    if config.evaluate.pad is not None:
        check_padding(prepared.index.splits[name], config.evaluate.pad)
    device = choose_device()
    classes = len(prepared.index.classes)
    network = load_network(directory, config, num_classes=classes).to(device)
    pairs = _answers(network, samples, config)
    statistics = image_statistics(samples.names, pairs, classes, groups=samples.groups)
    scores = scores_from_statistics(statistics, prepared.index.classes)
    scores.insert(0, "variant", config.variant)
    scores.insert(1, "seed", config.seed)
    scores.insert(2, "split", name)
    overall = scores[scores["class"] == ""].set_index("metric")["value"]
    along = {config.train.steps: [float(overall[metric]) for metric in SCORED_ALONG]}
    for step in RunFolder(directory).steps_along:
        earlier = load_network(directory, config, num_classes=classes, step=step).to(device)
        pairs = _answers(earlier, samples, config)
        sums = summed(image_statistics(samples.names, pairs, classes, metrics=SCORED_ALONG).parts)
        along[step] = [float(METRICS[metric].value(sums)) for metric in SCORED_ALONG]
    rows = [
        AlongRow(config.variant, config.seed, step, metric, value)
        for step in sorted(along)
        for metric, value in zip(SCORED_ALONG, along[step], strict=True)
        if len(along) > 1
    ]
    ALONG.write(ALONG.frame(rows), directory / ALONG.name)
    statistics.write(directory / "per_image.parquet")
    SCORES.write(scores, directory / "scores.csv")
    return scores


def _answers(
    network: nn.Module, samples: Split, config: RunConfig
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """What is scored, and the true labels, batch by batch: (B, H, W) each."""
    device = device_of(network)
    batches = evaluation_batches(
        samples, config.evaluate.batch_size, normalisation=config.model.normalisation
    )
    for indices, images, labels in batches:
        found = answer(network, images.to(device), labels, indices=indices, config=config)
        yield found, labels.numpy()


def answer(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    indices: Sequence[int],
    config: RunConfig,
) -> NDArray[np.uint8]:
    """What is scored: the network's prediction, or what spreads from the run's oracle seeds.

    Images are padded as `evaluate.pad` says, and the padding is cut off the label maps again. Oracle seeds
    are diffused in one pass, whatever `evaluate.scales` and `evaluate.flip` say: the labels have one size.
    The training-free floor does not look at the image, so none of the three changes it.

    Args:
        network: In evaluation mode.
        images: (B, 3, H, W).
        labels: (B, H, W), read for oracle seeds alone.
        indices: Place of each image in the split.
        config: Configuration of the run.

    Returns:
        Classes (B, H, W).
    """
    if isinstance(network, PixelPrior):
        config = single_pass(config)
    framed = padded(images, labels, config.evaluate, config.model.normalisation)
    maps = _label_maps(network, *framed, indices, config)
    if config.evaluate.pad is None:
        return maps
    rows, columns = window((images.shape[2], images.shape[3]), config.evaluate.pad)
    return np.ascontiguousarray(maps[:, rows, columns])


def _label_maps(
    network: nn.Module, images: torch.Tensor, labels: torch.Tensor, indices: Sequence[int], config: RunConfig
) -> NDArray[np.uint8]:
    """What `answer` returns, of images that are padded already."""
    if config.evaluate.oracle_seeds is None:
        return predict(network, images, config)
    if config.evaluate.oracle_rule == "nearest":
        return nearest_labels(labels, indices=indices, config=config)
    logits = oracle_logits(network, images, labels, indices=indices, config=config)
    return label_maps(logits, (images.shape[2], images.shape[3]))


@torch.inference_mode()
def predict(network: nn.Module, images: torch.Tensor, config: RunConfig) -> NDArray[np.uint8]:
    """Label maps at image size, of one pass or of those that `evaluate.scales` and `evaluate.flip` ask for.

    Args:
        network: In evaluation mode.
        images: (B, 3, H, W).
        config: Configuration of the run; gives the passes and the memory layout.

    Returns:
        Classes (B, H, W).
    """
    return _largest(mean_of_passes(network, images, config.evaluate, memory_format(config.train)))


def label_maps(logits: torch.Tensor, size: Size) -> NDArray[np.uint8]:
    """The class with the largest logit at every pixel, (B, C, h, w) -> (B, H, W)."""
    return _largest(resize(logits, size))


def _largest(values: torch.Tensor) -> NDArray[np.uint8]:
    check_finite(values, "logits")  # of which the largest would be class 0
    largest = values.max(dim=1).indices  # the first of equal ones as `argmax` does, in a fifth of its time
    classes: NDArray[np.uint8] = largest.to(torch.uint8).cpu().numpy()
    return classes
