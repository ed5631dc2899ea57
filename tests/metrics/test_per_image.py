"""The table of per-image statistics and its file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from difnet.config.errors import InputError
from difnet.metrics import (
    image_statistics,
    read_statistics,
    scores_from_statistics,
    statistics_table,
    write_statistics,
)


@pytest.fixture
def statistics():
    rng = np.random.default_rng(0)
    return [image_statistics(*rng.integers(0, 3, (2, 12, 14)), 3) for _ in range(4)]


@pytest.fixture
def table(statistics):
    return statistics_table(["a", "b", "c", "d"], statistics)


def test_round_trip(table, tmp_path):
    path = tmp_path / "per_image.parquet"
    write_statistics(table, path)
    again = read_statistics(path)
    assert list(again.columns) == list(table.columns)
    for column in table.columns:
        assert all(
            np.array_equal(one, other) for one, other in zip(again[column], table[column], strict=True)
        )
    assert [file.name for file in tmp_path.iterdir()] == ["per_image.parquet"]


def test_truncated_file(table, tmp_path):
    path = tmp_path / "per_image.parquet"
    write_statistics(table, path)
    content = path.read_bytes()
    for kept in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:kept])
        with pytest.raises(InputError, match=r"per_image.parquet is truncated .* evaluate the run again"):
            read_statistics(path)


def test_foreign_files(table, tmp_path):
    path = tmp_path / "per_image.parquet"
    with pytest.raises(InputError, match="does not exist"):
        read_statistics(path)
    pd.DataFrame({"image": ["a"], "confusion": [[1]]}).to_parquet(path)
    with pytest.raises(InputError, match="does not hold per-image statistics"):
        read_statistics(path)


def test_unwritable(table, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_statistics(table, tmp_path / "file" / "per_image.parquet")


def test_bad_tables(statistics, table):
    with pytest.raises(InputError, match="no image; the data set or split is empty"):
        statistics_table([], [])
    with pytest.raises(InputError, match="2 image names but 4 statistics"):
        statistics_table(["a", "b"], statistics)
    with pytest.raises(InputError, match="image a occurs twice"):
        statistics_table(["a", "b", "c", "a"], statistics)
    other = image_statistics(np.zeros((4, 4), int), np.zeros((4, 4), int), 2)
    with pytest.raises(InputError, match="confusion of image e is not 9 counts"):
        statistics_table(["a", "b", "c", "d", "e"], [*statistics, other])
    with pytest.raises(InputError, match="column boundary_truth is missing"):
        scores_from_statistics(table.drop(columns="boundary_truth"), ["x", "y", "z"])
    with pytest.raises(InputError, match="3 classes but 2 names"):
        scores_from_statistics(table, ["x", "y"])
    table.at[2, "boundary_truth"] = np.array([1, -1, 0])
    with pytest.raises(InputError, match="boundary_truth of image c is not 3 counts"):
        scores_from_statistics(table, ["x", "y", "z"])


def test_statistics_of_an_image_alone_in_void(tmp_path):
    """All void: nan in every mean, not an error; the file survives it."""
    void = image_statistics(np.zeros((4, 4), int), np.full((4, 4), 255), 2)
    write_statistics(statistics_table(["a"], [void]), tmp_path / "x.parquet")
    scores = scores_from_statistics(read_statistics(tmp_path / "x.parquet"), ["x", "y"])
    assert scores["value"].isna().all()
    assert set(scores["class"]) == {"", "x", "y"}
