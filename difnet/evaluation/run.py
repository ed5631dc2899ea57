"""Scores of one run: its weights applied to a split of its data.

B batch, C classes, H W image size, h w grid.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from difnet.config import RunConfig, atomic_path, load_run
from difnet.data import Split, load_prepared
from difnet.data.batches import evaluation_batches
from difnet.metrics import image_statistics, scores_from_statistics, statistics_table, write_statistics
from difnet.models import Prediction, load_network
from difnet.training import use_threads


def evaluate_run(directory: Path, *, data: Path, split: str | None = None) -> pd.DataFrame:
    """Score a trained run and write `scores.csv`, `per_image.parquet` and `gallery.npz` into its directory.

    Args:
        directory: Run directory with `config.yaml` and `weights.safetensors`.
        data: Folder of the prepared data set.
        split: Split to score; None for the one that the run's configuration names.

    Returns:
        The rows of `scores.csv`: variant, seed, split, metric, class, value.

    Raises:
        InputError: If the run is not complete, or does not fit the data.
    """
    config = load_run(directory)
    use_threads(config.train.threads)
    prepared = load_prepared(data)
    name = split or config.evaluate.split
    samples = prepared.split(name)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(directory, config, num_classes=len(prepared.index.classes)).to(device)
    shown = set(gallery_indices(len(samples), config.evaluate.gallery))
    statistics, gallery = [], []
    for indices, images, labels in evaluation_batches(samples, config.evaluate.batch_size):
        predictions, importance = predict(network, images.to(device), config)
        for position, index in enumerate(indices):
            prediction, truth = predictions[position], labels[position].numpy()
            statistics.append(image_statistics(prediction, truth, len(prepared.index.classes)))
            if index in shown:
                gallery.append((index, prediction, None if importance is None else importance[position]))
    table = statistics_table(samples.names, statistics)
    scores = scores_from_statistics(table, prepared.index.classes)
    scores.insert(0, "variant", config.variant)
    scores.insert(1, "seed", config.seed)
    scores.insert(2, "split", name)
    write_statistics(table, directory / "per_image.parquet")
    _write_gallery(directory / "gallery.npz", samples, gallery)
    with atomic_path(directory / "scores.csv") as temporary:
        scores.to_csv(temporary, index=False)
    return scores


@torch.inference_mode()
def predict(
    network: nn.Module, images: torch.Tensor, config: RunConfig
) -> tuple[np.ndarray, np.ndarray | None]:
    """Label maps at image size, and the importance map where the network has one.

    Args:
        network: In evaluation mode.
        images: (B, 3, H, W).
        config: Configuration of the run; gives the memory layout.

    Returns:
        Classes (B, H, W) uint8, and importance (B, h, w) float16 or None.
    """
    layout = torch.channels_last if config.train.channels_last else torch.contiguous_format
    prediction: Prediction = network(images.to(memory_format=layout))
    logits = F.interpolate(prediction.logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
    importance = prediction.importance
    return (
        logits.argmax(dim=1).to(torch.uint8).cpu().numpy(),
        None if importance is None else importance[:, 0].half().cpu().numpy(),
    )


def gallery_indices(count: int, shown: int) -> list[int]:
    """Positions of `shown` images, evenly spaced over a split of `count`: no result picks them."""
    return [round(place) for place in np.linspace(0, count - 1, min(shown, count)).tolist()]


def _write_gallery(
    path: Path, samples: Split, gallery: list[tuple[int, np.ndarray, np.ndarray | None]]
) -> None:
    """Keep the predictions of the gallery's images, beside image and truth (all uint8)."""
    arrays = {
        "names": np.array([samples.names[index] for index, _, _ in gallery]),
        "image": _stack([samples.image(index) for index, _, _ in gallery]),
        "truth": _stack([samples.label(index) for index, _, _ in gallery]),
        "prediction": _stack([prediction for _, prediction, _ in gallery]),
    }
    if maps := [importance for _, _, importance in gallery if importance is not None]:
        arrays["importance"] = _stack(maps)
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _stack(maps: list[np.ndarray]) -> np.ndarray:
    """Maps of one size; smaller ones are padded with 255 at the bottom and right."""
    height = max((m.shape[0] for m in maps), default=0)
    width = max((m.shape[1] for m in maps), default=0)
    padded = [
        np.pad(
            m,
            [(0, height - m.shape[0]), (0, width - m.shape[1]), *[(0, 0)] * (m.ndim - 2)],
            constant_values=255,
        )
        for m in maps
    ]
    return np.stack(padded) if padded else np.zeros((0, 0, 0), dtype=np.uint8)
