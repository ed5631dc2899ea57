"""The per-image statistics of a run as a table and a file (`per_image.parquet`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.config.files import atomic_path

FORMAT_KEY = b"difnet.per_image"
FORMAT_VERSION = b"1"
MATRICES = ("confusion",)
BANDS = re.compile(r"trimap_(\d+)")
VECTORS = (
    "boundary_matched_prediction",
    "boundary_prediction",
    "boundary_matched_truth",
    "boundary_truth",
    "boundary_one_to_one",
    "boundary_iou_intersection",
    "boundary_iou_union",
)


def statistics_table(
    names: Sequence[str], statistics: Sequence[Mapping[str, NDArray[np.int64]]]
) -> pd.DataFrame:
    """One row an image: its name and its statistics, matrices flattened row by row.

    Args:
        names: image names, all different.
        statistics: what ``image_statistics`` returned for each.

    Returns:
        Columns ``image`` and one a statistic, whose cells are int64 arrays of C or C * C numbers.

    Raises:
        InputError: no image, unequal numbers of names and statistics, a name twice, or statistics
            of different class counts.
    """
    if len(names) != len(statistics):
        raise InputError(f"{len(names)} image names but {len(statistics)} statistics")
    columns = {
        name: [np.ravel(one[name]) for one in statistics] for name in (statistics[0] if statistics else ())
    }
    return checked_table(pd.DataFrame({"image": list(names), **columns}), "the statistics")


def write_statistics(table: pd.DataFrame, path: Path) -> None:
    """Write the table under a temporary name, then rename it.

    Raises:
        InputError: not a table of ``statistics_table``, or the file cannot be written.
    """
    checked_table(table, "the statistics")
    columns = {name: pa.array(table[name].tolist(), type=pa.list_(pa.int64())) for name in table.columns[1:]}
    arrow = pa.table({"image": pa.array(table["image"].tolist(), type=pa.string()), **columns})
    arrow = arrow.replace_schema_metadata({FORMAT_KEY: FORMAT_VERSION})
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_statistics(path: Path) -> pd.DataFrame:
    """Read a table that ``write_statistics`` wrote.

    Raises:
        InputError: no such file, a truncated one, or one of another kind or version.
    """
    remedy = "evaluate the run again"
    if not path.is_file():
        raise InputError(f"{path} does not exist; {remedy}")
    try:
        arrow = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is truncated or not a Parquet file; {remedy}") from error
    if (arrow.schema.metadata or {}).get(FORMAT_KEY) != FORMAT_VERSION:
        raise InputError(f"{path} does not hold per-image statistics of this version; {remedy}")
    columns = {
        name: [np.asarray(cell, dtype=np.int64) for cell in arrow[name].to_pylist()]
        for name in arrow.column_names
        if name != "image"
    }
    return checked_table(pd.DataFrame({"image": arrow["image"].to_pylist(), **columns}), str(path))


def checked_table(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """The table itself, after its columns and the lengths of its cells were checked.

    Raises:
        InputError: empty, a column missing, an image twice, a negative count, or cells of unequal length.
    """
    if table.empty:
        raise InputError(f"{origin}: no image; the data set or split is empty")
    missing = [name for name in ("image", *MATRICES, *VECTORS) if name not in table.columns]
    if missing:
        raise InputError(f"{origin}: column {missing[0]} is missing; these are not per-image statistics")
    twice = table["image"][table["image"].duplicated()]
    if len(twice):
        raise InputError(f"{origin}: image {twice.iloc[0]} occurs twice")
    classes = len(table["boundary_truth"].iloc[0])
    for name in table.columns[1:]:
        length = classes if name in VECTORS else classes**2
        bad = [
            image
            for image, cell in zip(table["image"], table[name], strict=True)
            if len(cell) != length or np.min(cell) < 0
        ]
        if bad:
            raise InputError(f"{origin}: {name} of image {bad[0]} is not {length} counts")
    return table


def stacked(table: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    """The statistics of all images as arrays: (I,C,C) or (I,C) each."""
    images, classes = len(table), len(table["boundary_truth"].iloc[0])
    shapes = {
        name: (images, classes) if name in VECTORS else (images, classes, classes)
        for name in table.columns
        if name != "image"
    }
    return {name: np.stack(table[name].tolist()).reshape(shape) for name, shape in shapes.items()}
