"""Preparing: content, hash, and what happens when it is repeated, interrupted or done twice at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import DataConfig, InputError
from difnet.data import load_prepared, open_dataset, planned_change, prepare
from difnet.data.prepare.writer import SplitWriter
from tests.data.trees import CLASSES, write_pair
from tests.machine.test_locking import waited

SMALL = DataConfig(name="shapes", options={"train": 6, "val": 3, "test": 2, "size": 32})


def folder(root: Path, size: tuple[int, int] | None = None) -> DataConfig:
    return DataConfig(name="folder", size=size, options={"root": str(root)})


def state(store: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in store.rglob("*")
        if path.is_file()
    }


def test_stored_pixels_are_those_of_the_data_set(tmp_path: Path) -> None:
    index = prepare(SMALL, tmp_path)
    data = load_prepared(tmp_path)
    assert data.index == index
    for split, samples in open_dataset(SMALL).samples().items():
        stored = data.split(split)
        assert stored.names == tuple(sample.name for sample in samples) and len(stored) == len(samples)
        for i, sample in enumerate(samples):
            assert np.array_equal(stored.image(i), sample.read().image)
            assert np.array_equal(stored.label(i), sample.read().label)
            assert not stored.image(i).flags.writeable


def test_index_describes_the_data_set(own: Path, tmp_path: Path) -> None:
    index = prepare(folder(own), tmp_path / "store")
    assert index.classes == CLASSES
    assert index.palette[0] == (0, 0, 0) and len(set(index.palette)) == 3
    assert not index.synthetic and prepare(SMALL, tmp_path / "shapes").synthetic
    assert index.splits["val"].names == ("plant3", "plant7")
    assert len(index.splits["train"].names) == 8
    assert len(index.sha256) == 64


def test_images_of_different_sizes_and_names_with_spaces(own: Path, tmp_path: Path) -> None:
    write_pair(own, "a größere plant", size=(40, 20))
    prepare(folder(own), tmp_path / "store")
    train = load_prepared(tmp_path / "store").split("train")
    assert train.names[0] == "a größere plant" and train.shapes[:2] == ((40, 20), (24, 32))
    for name, i in (("a größere plant", 0), ("plant9", len(train) - 1)):
        with Image.open(own / "images" / f"{name}.png") as image:
            assert np.array_equal(train.image(i), np.asarray(image))
        with Image.open(own / "labels" / f"{name}.png") as label:
            assert np.array_equal(train.label(i), np.asarray(label))


def test_palette_labels_are_read_as_indices(own: Path, tmp_path: Path) -> None:
    path = own / "labels" / "plant0.png"
    with Image.open(path) as image:
        label = np.asarray(image)
    coloured = Image.fromarray(label)
    coloured.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    coloured.save(path)
    with Image.open(path) as image:
        assert image.mode == "P"
    prepare(folder(own), tmp_path / "store")
    assert np.array_equal(load_prepared(tmp_path / "store").split("train").label(0), label)


def test_resizing_averages_images_and_never_mixes_labels(own: Path, tmp_path: Path) -> None:
    checks = np.indices((24, 32)).sum(axis=0) % 2
    Image.fromarray(np.uint8(255 * checks)).convert("RGB").save(own / "images" / "plant0.png")
    Image.fromarray(np.uint8(2 * (np.arange(32) >= 16)[None].repeat(24, 0))).save(
        own / "labels" / "plant0.png"
    )
    prepare(folder(own, size=(6, 8)), tmp_path / "store")
    train = load_prepared(tmp_path / "store").split("train")
    assert set(train.shapes) == {(6, 8)}
    assert np.abs(train.image(0).astype(float) - 127.5).max() < 8
    assert np.array_equal(train.label(0), np.tile([0, 0, 0, 0, 2, 2, 2, 2], (6, 1)))


def test_preparing_again_does_nothing(own: Path, tmp_path: Path) -> None:
    first = prepare(folder(own), tmp_path / "store")
    before = state(tmp_path / "store")
    assert prepare(folder(own), tmp_path / "store") == first
    assert state(tmp_path / "store") == before


def test_a_changed_file_or_size_prepares_again(own: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    hashes = [prepare(folder(own), store).sha256]
    write_pair(own, "plant0", seed=1)
    hashes.append(prepare(folder(own), store).sha256)
    hashes.append(prepare(folder(own, size=(12, 16)), store).sha256)
    (own / "classes.txt").write_text("background\nleaf\nroot\n", encoding="utf-8")
    hashes.append(prepare(folder(own, size=(12, 16)), store).sha256)
    (own / "val.txt").write_text("plant3\n", encoding="utf-8")
    hashes.append(prepare(folder(own, size=(12, 16)), store).sha256)
    assert len(set(hashes)) == 5
    assert len(list(store.glob("prepared-*"))) == 1


def test_content_hash_ignores_place_and_time(own: Path, tmp_path: Path) -> None:
    """Neither prepares again, and a plan has nothing to do."""
    store = tmp_path / "store"
    planned = planned_change(folder(own), store)
    first, before = prepare(folder(own), store), state(store)
    assert planned_change(folder(own), store) == planned
    os.utime(own / "images" / "plant0.png", (0, 0))
    assert prepare(folder(own), store) == first and planned_change(folder(own), store) == planned
    moved = own.rename(tmp_path / "moved")
    assert prepare(folder(moved), store) == first and planned_change(folder(moved), store) == planned
    assert state(store) == before
    assert prepare(folder(moved), tmp_path / "other").sha256 == first.sha256
    assert planned_change(folder(own), store) == planned  # which are not there to look at


def test_other_labels_of_the_same_size_and_time_prepare_again(own: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    label = own / "labels" / "plant0.png"
    with Image.open(label) as image:
        pixels = np.asarray(image)
    Image.fromarray(pixels).save(label, compress_level=0)
    planned = planned_change(folder(own), store)
    first = prepare(folder(own), store)
    status = label.stat()
    Image.fromarray(pixels[::-1]).save(label, compress_level=0)
    assert label.stat().st_size == status.st_size
    os.utime(label, ns=(status.st_atime_ns, status.st_mtime_ns))
    replanned = planned_change(folder(own), store)
    assert replanned != planned
    assert prepare(folder(own), store).sha256 != first.sha256
    assert planned_change(folder(own), store) == replanned


def test_other_colours_with_the_size_and_time_of_the_former_prepare_again(own: Path, tmp_path: Path) -> None:
    path = own / "classes.txt"
    hashes = []
    for order in (1, -1):
        path.write_text("\n".join(["a 0 0 0", "b 255 255 255"][::order]), encoding="utf-8")
        os.utime(path, (0, 0))
        for label in (own / "labels").iterdir():
            Image.fromarray(np.tile(np.array([0, 255], np.uint8), (24, 16))).save(label)
            os.utime(label, (0, 0))
        hashes.append(prepare(folder(own), tmp_path / "store").sha256)
    assert hashes[0] != hashes[1]


def test_classes_that_no_label_shows_are_told(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "classes.txt").write_text("background\nleaf\nstem\nroot\nbud\n", encoding="utf-8")
    prepare(folder(own), tmp_path / "store")
    assert capsys.readouterr().err == "difnet: Own images: no label shows root, bud\n"


def test_an_error_keeps_the_former_store(own: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    prepare(folder(own), store)
    before = state(store)
    (own / "images" / "plant0.png").write_text("no image", encoding="utf-8")
    with pytest.raises(InputError):
        prepare(folder(own), store)
    assert state(store) == before and not (store / ".partial").exists()


def test_full_disk_is_one_line_and_leaves_nothing(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SplitWriter, "write", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device; free space") as error:
        prepare(folder(own), tmp_path / "store")
    assert "\n" not in str(error.value)
    assert [path.name for path in (tmp_path / "store").iterdir()] == [".lock"]


def test_unwritable_place_is_one_line(own: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        prepare(folder(own), tmp_path / "file" / "store")


PREPARE = """
import sys, pathlib
from difnet.config import DataConfig
from difnet.data import prepare
print(prepare(DataConfig.model_validate_json(sys.argv[1]), pathlib.Path(sys.argv[2])).sha256)
"""


def run_prepare(config: DataConfig, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREPARE, config.model_dump_json(), str(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once(tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"options": {"train": 60, "val": 5, "test": 5}})
    processes = [run_prepare(config, tmp_path) for _ in range(2)]
    hashes = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert hashes == [prepare(config, tmp_path).sha256] * 2


def test_two_threads_at_once(own: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        hashes = list(pool.map(lambda _: prepare(folder(own), tmp_path / "store").sha256, range(4)))
    assert len(set(hashes)) == 1


def test_killed_while_writing(tmp_path: Path) -> None:
    """What a killed process leaves is never taken for a store, and the next run ends with the same hash."""
    config = SMALL.model_copy(update={"options": {"train": 2000, "val": 1, "test": 1, "size": 32}})
    store = tmp_path / "killed"
    process = run_prepare(config, store)
    while not (store / ".partial" / "train.images.bin").exists():
        assert process.poll() is None
    process.kill()
    process.wait()
    with pytest.raises(InputError):
        load_prepared(store)
    small = prepare(SMALL, store)
    assert small.sha256 == prepare(SMALL, tmp_path / "fresh").sha256
    assert not (store / ".partial").exists()


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, difnet.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_who_prepares_waits_and_says_so(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    config = folder(own)
    said = waited(store / ".lock", lambda: prepare(config, store), capsys)
    assert said == f"difnet: waiting for another process, which prepares {store}\n"
    assert (store / "index.json").exists()


def test_a_store_that_is_replaced_while_it_is_looked_at(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was there a moment ago is gone: that is no store, and no error."""
    config = DataConfig(name="folder", options={"root": str(own)})
    first = prepare(config, tmp_path / "store")
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    for path in (tmp_path / "store").rglob("*.bin"):
        path.unlink()
    assert prepare(config, tmp_path / "store") == first
