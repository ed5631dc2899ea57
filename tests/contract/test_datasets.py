"""What every data set must do. All of `difnet/data/datasets` are found by themselves: none needs a test.

One that reads files needs a miniature of them in `tests/data/trees.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from difnet.config import DataConfig
from difnet.data import VOID, Sample, dataset_names, datasets, load_prepared, open_dataset, prepare
from tests.conftest import CATALOGUE, PROJECT
from tests.data.trees import TREES, problem

PAGE = (PROJECT / "docs" / "data-sets.md").read_text(encoding="utf-8")


def miniature(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    """The configuration of a data set in miniature, whose files are written below `root`."""
    monkeypatch.setenv("DIFNET_DATA", str(root))
    return DataConfig(name=name, options=TREES[name](root) if name in TREES else {})


@pytest.fixture(params=dataset_names())
def config(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    return miniature(request.param, tmp_path / "data", monkeypatch)


def listed(config: DataConfig) -> Iterator[tuple[str, Sample]]:
    """Split and sample of all samples."""
    for split, samples in open_dataset(config).samples().items():
        for sample in samples:
            yield split, sample


def a_sample_of_files(config: DataConfig) -> Sample:
    """The first image of val; the test ends where it is read from no files."""
    sample = open_dataset(config).samples()["val"][0]
    if not sample.files:
        pytest.skip("reads no files")
    return sample


def test_all_are_here() -> None:
    (folder,) = datasets.__path__
    assert dataset_names() == sorted(path.stem for path in Path(folder).iterdir() if path.stem[0] != "_")


def test_it_says_what_it_is(config: DataConfig) -> None:
    """Title, whom to cite and the terms, a row of the documentation and a benchmark of its name."""
    dataset = open_dataset(config)
    assert dataset.title.isprintable() and dataset.citation.isprintable()
    assert re.search("terms|use|research|licen[cs]e|CC", dataset.citation)
    assert dataset.synthetic == (not next(listed(config))[1].files)
    assert re.search(rf"^\| `{config.name}` \| .* \|$", PAGE, re.MULTILINE)
    assert CATALOGUE.benchmark(config.name).data.name == config.name


def test_classes_have_names_and_colours_of_their_own(config: DataConfig, tmp_path: Path) -> None:
    index = prepare(config, tmp_path / "store")
    assert 2 <= len(index.classes) <= VOID and len(index.palette) == len(index.classes)
    names = {name.strip().lower() for name in index.classes}
    assert len(names) == len(index.classes) and not names & {"", "void"}
    assert len(set(index.palette)) == len(index.palette)
    assert all(0 <= channel <= 255 for colour in index.palette for channel in colour)


def test_splits_hold_different_samples(config: DataConfig) -> None:
    names = [sample.name for _, sample in listed(config)]
    assert len(set(names)) == len(names)
    assert {"train", "val"} <= {split for split, _ in listed(config)} <= {"train", "val", "test"}


def test_samples_are_always_the_same(config: DataConfig) -> None:
    """What is listed, and the text that tells when to prepare again, as well as what is read."""
    first, second = list(listed(config)), list(listed(config))
    assert [(split, repr(sample)) for split, sample in first] == [(s, repr(sample)) for s, sample in second]
    assert not re.search("object at 0x", repr(first))
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert all(np.array_equal(*pixels) for pixels in zip(a.read(), b.read(), strict=True))


def test_labels_are_classes_or_void(config: DataConfig) -> None:
    classes = len(open_dataset(config).classes())
    shown: set[int] = set()
    for _, sample in listed(config):
        image, label = sample.read()
        assert image.dtype == label.dtype == np.uint8 and image.shape == (*label.shape, 3)
        shown |= {*np.unique(label).tolist()}
    assert shown <= {*range(classes), VOID}
    assert len(shown - {VOID}) >= 2 and VOID in shown


def test_equal_content_has_an_equal_hash_wherever_it_lies(
    config: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = prepare(config, tmp_path / "store")
    dataset = open_dataset(config)
    assert (index.title, index.citation, index.synthetic) == (
        dataset.title,
        dataset.citation,
        dataset.synthetic,
    )
    for name, samples in dataset.samples().items():
        split = load_prepared(tmp_path / "store").split(name)
        assert split.names == tuple(sample.name for sample in samples)
        for i, sample in enumerate(samples):
            stored = split.image(i), split.label(i)
            assert all(np.array_equal(*pixels) for pixels in zip(stored, sample.read(), strict=True))
    elsewhere = miniature(config.name, tmp_path / "elsewhere", monkeypatch)
    assert prepare(elsewhere, tmp_path / "other store").sha256 == index.sha256


def test_files_that_are_not_there_are_one_line_with_the_way_to_them(
    config: DataConfig, tmp_path: Path
) -> None:
    a_sample_of_files(config)
    dataset = open_dataset(config)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    text = problem(config, tmp_path / "store")
    assert str(tmp_path / "data") in text and dataset.obtain in text


@pytest.mark.parametrize("part", [0, 1], ids=["image", "label"])
def test_half_of_a_pair_is_named(config: DataConfig, tmp_path: Path, part: int) -> None:
    sample = a_sample_of_files(config)
    sample.files[part].unlink()
    kind = ("label without image; add the image", "image without label; add the label")[part]
    text = problem(config, tmp_path / "store")
    assert kind in text and sample.name in text


@pytest.mark.parametrize("part", [0, 1], ids=["image", "label"])
def test_a_truncated_file_is_named(config: DataConfig, tmp_path: Path, part: int) -> None:
    path = a_sample_of_files(config).files[part]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert re.search(
        rf"cannot be decoded; replace the file: {path} \(.+\)", problem(config, tmp_path / "store")
    )


def test_its_archives_can_be_obtained(config: DataConfig) -> None:
    """The digest is as long as its algorithm's, and the user is told of the command."""
    dataset = open_dataset(config)
    for archive in dataset.archives():
        algorithm, digest = archive.checksum.split(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
        assert archive.url.startswith("http") and archive.file.endswith((".tar", ".tgz", ".zip"))
        assert not Path(archive.folder).is_absolute()
        assert f"difnet prepare {config.name} --download" in dataset.obtain
