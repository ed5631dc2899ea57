"""The file of what each image adds to the scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from difnet.config.errors import InputError
from difnet.tables import PerImage, seal
from tests.damaged import damaged


@pytest.fixture
def statistics() -> PerImage:
    rng = np.random.default_rng(0)
    parts = {"counts": rng.integers(0, 2**40, (4, 3)), "means": rng.random((4, 1))}
    return PerImage(("a", "b", "c", "d"), ("0f", "1f", "2f", "3f"), parts, ("shot", "shot", "", "street"))


def test_round_trip(statistics: PerImage, tmp_path: Path) -> None:
    path = tmp_path / "per_image.parquet"
    statistics.write(path)
    again = PerImage.read(path)
    assert (again.names, again.labels) == (statistics.names, statistics.labels)
    assert list(again.parts) == ["counts", "means"]
    for name, part in statistics.parts.items():
        assert again.parts[name].dtype == part.dtype
        assert np.array_equal(again.parts[name], part)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        ".per_image.parquet.sha256",
        "per_image.parquet",
    ]


def test_one_row_an_image_for_other_readers(statistics: PerImage, tmp_path: Path) -> None:
    statistics.write(tmp_path / "per_image.parquet")
    table = pd.read_parquet(tmp_path / "per_image.parquet")
    assert list(table.columns) == ["image", "labels", "group", "counts", "means"]
    assert table["image"].tolist() == ["a", "b", "c", "d"]
    assert table["counts"][2].tolist() == statistics.parts["counts"][2].tolist()


def test_a_large_table_in_several_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "per_image.parquet"
    counts = np.arange(1000 * 2).reshape(1000, 2)
    PerImage(tuple(map(str, range(1000))), ("",) * 1000, {"counts": counts}, ("",) * 1000).write(path)
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=300)
    seal(path, path.read_bytes())
    assert np.array_equal(PerImage.read(path).parts["counts"], counts)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"counts", b"amount"))


def without_digest(path: Path) -> None:
    path.with_name(f".{path.name}.sha256").unlink()


def foreign(path: Path) -> None:
    pd.DataFrame({"image": ["a"], "confusion": [[1]]}).to_parquet(path)
    seal(path, path.read_bytes())


def old(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"difnet.per_image": b"1"}), path)
    seal(path, path.read_bytes())


def no_parquet(path: Path) -> None:
    path.write_text("image,counts\n")
    seal(path, path.read_bytes())


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (cut, "is not what was written: it was cut short or changed"),
        (edited, "is not what was written: it was cut short or changed"),
        (without_digest, r"has no digest .per_image.parquet.sha256 beside it"),
        (foreign, "does not hold per-image statistics of this version"),
        (old, "does not hold per-image statistics of this version"),
        (no_parquet, "is not a Parquet file"),
        (Path.unlink, "does not exist"),
    ],
)
def test_what_is_not_such_a_file_is_one_line(
    statistics: PerImage, tmp_path: Path, break_it, message: str
) -> None:
    path = tmp_path / "per_image.parquet"
    statistics.write(path)
    break_it(path)
    with pytest.raises(InputError, match=message) as error:
        PerImage.read(path)
    assert str(path) in str(error.value) and "difnet evaluate RUN" in str(error.value)
    assert "\n" not in str(error.value)


def test_no_damage_is_silent(statistics: PerImage, tmp_path: Path) -> None:
    path = tmp_path / "per_image.parquet"
    statistics.write(path)
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(InputError, match="is not what was written"):
            PerImage.read(path)


def test_names_that_are_not_one_an_image() -> None:
    counts = {"counts": np.ones((2, 3))}
    with pytest.raises(InputError, match="no image was scored; the data set or split is empty"):
        PerImage((), (), {}, ())
    with pytest.raises(InputError, match="3 image names but 2 images"):
        PerImage(("a", "b", "c"), ("0", "1"), counts, ("", ""))
    with pytest.raises(InputError, match="the image name a occurs twice"):
        PerImage(("a", "a"), ("0", "1"), counts, ("", ""))


def test_unwritable(statistics: PerImage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        statistics.write(tmp_path / "file" / "per_image.parquet")
