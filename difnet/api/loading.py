"""A trained network from wherever it lies."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from difnet.config import InputError, nearest, read_plan
from difnet.config.benchmark_plan import PLAN
from difnet.config.run_folder import CONFIG
from difnet.evaluation import Segmenter
from difnet.report.archive import is_archive, unpack


def load(source: Path | str, *, run: str | None = None) -> Segmenter:
    """Load a trained network, on a GPU where there is one.

    >>> import difnet, numpy as np
    >>> network = difnet.load("results/reference/2026-11-27-amd-epyc-2-cores/shapes")
    >>> network
    Segmenter(DifNet, 7 classes, 0.67M parameters, .../shapes/runs/cascade/seed0)
    >>> found = network.predict(np.zeros((96, 128, 3), dtype=np.uint8))  # or a file, or a PIL image
    >>> found
    Segmentation(96x128 pixels: background ...%...)
    >>> found.probabilities.shape, found.importance.shape
    ((7, 96, 128), (13, 17))
    >>> list(found.walks(row=40, column=60))
    ['image', 'layer1', 'layer2', 'layer3', 'layer4', 'diffusion']

    Args:
        source: A run directory (`results/shapes/runs/cascade/seed0`), a folder of results with its plan, an
            archive of `difnet publish`, or a checkpoint in the authors' parameter names.
        run: `VARIANT/seedK`, of a folder of results or an archive; by default the reference of its
            benchmark with its first seed.

    Returns:
        The network, which predicts files, pictures and arrays.

    Raises:
        InputError: If there is no such run, it is not trained to its end, or it is damaged.
    """
    path = Path(source)
    if is_archive(path):
        with TemporaryDirectory() as folder:
            unpack(path, Path(folder))
            plans = sorted(Path(folder).glob(f"*/{PLAN}"))
            return _of_results(plans[0].parent, run, shown=str(path))
    if run is not None or ((path / PLAN).is_file() and not (path / CONFIG).is_file()):
        return _of_results(path, run, shown=str(path))
    return Segmenter.of_run(path) if path.is_dir() else Segmenter.of_authors(path)


def _of_results(folder: Path, run: str | None, *, shown: str) -> Segmenter:
    """A run of a folder of results."""
    if run is None:
        plan = read_plan(folder)
        run = f"{plan.reference}/seed{plan.seeds[0]}"
    there = sorted(
        str(path.parent.relative_to(folder / "runs")) for path in folder.glob(f"runs/*/*/{CONFIG}")
    )
    if run not in there:
        raise InputError(f"{shown}: has no run '{run}'{nearest(run, there)}")
    return Segmenter.of_run(folder / "runs" / run)
