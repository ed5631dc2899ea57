"""Preparing a small folder after random damage to one of its files; prints what came out as JSON.

A process of its own, so that its memory is the highest that the damage led to, and so that a decoder that
hangs can be ended: python -m tests.data.files.fuzzing EXAMPLES FOLDER
"""

from __future__ import annotations

import faulthandler
import json
import re
import shutil
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from difnet.config import DataConfig, InputError
from difnet.data import FileError, Split, load_prepared, prepare
from difnet.data.dataset import VOID
from difnet.data.files.decoding import read_image, read_label
from difnet.data.files.tree import UNPRINTABLE
from tests.data.files.damage import COLOURED_CLASSES
from tests.data.files.mutations import Mutation, joined, mutations, split

SECONDS = 60
"""After which a file hangs: more than the 10 s of CPU time that are allowed, for machines with much to do."""
SHAPE = (12, 16)
QUARTER_TURN = 6


def make(root: Path) -> None:
    """Images and labels of every kind that is read."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x112], exif[0x10F] = QUARTER_TURN, "maker"
    rgb.save(root / "images" / "a.png")
    rgb.save(root / "images" / "b.jpg", exif=exif)
    rgb.convert("CMYK").save(root / "images" / "c.jpg", progressive=True)
    fine = rng.integers(0, 2**16, SHAPE, dtype=np.uint16)
    Image.fromarray(fine).save(root / "images" / "d.png", dpi=(72, 72))
    label = Image.fromarray(rng.choice(np.array([0, 1, 2, 255], dtype=np.uint8), SHAPE))
    label.point(lambda value: 255 * (value == 255)).save(root / "labels" / "a.png")
    label.point(lambda value: 255 * (value == 255)).convert("1").save(root / "labels" / "c.png")
    label.putpalette([0, 0, 0, 0, 160, 0, 120, 60, 0, *[255] * 759])
    label.save(root / "labels" / "b.png")
    label.convert("RGB").save(root / "labels" / "d.png")
    (root / "classes.txt").write_text(COLOURED_CLASSES)
    (root / "train.txt").write_text("a\nb\nc\n")
    (root / "val.txt").write_text("d\n")


class Fuzz:
    """The undamaged folder and what damage has led to so far."""

    def __init__(self, folder: Path) -> None:
        self.root, self.store = folder / "root", folder / "store"
        make(self.root)
        self.files = {path: path.read_bytes() for path in sorted(self.root.rglob("*.*"))}
        for data in self.files.values():
            assert joined(split(data), like=data) == data
        self.config = DataConfig(name="folder", options={"root": str(self.root)})
        self.whole = self.pixels()
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0

    def pixels(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        prepare(self.config, self.store)
        data = load_prepared(self.store)
        found = {}
        for name in data.index.splits:
            part: Split = data.split(name)
            for i in range(len(part)):
                image, label = part.image(i), part.label(i)
                assert image.shape == (*label.shape, 3) and image.dtype == label.dtype == np.uint8
                assert set(np.unique(label)) <= {*range(len(data.index.classes)), 255}
                found[part.names[i]] = image, label
        return found

    def check(self, path: Path, mutation: Mutation) -> None:
        shutil.rmtree(self.store, ignore_errors=True)
        path.write_bytes(mutation.data)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        start = time.process_time()
        try:
            self.check_alone(path)
            found = self.pixels()
        except InputError as error:
            assert_clean(str(error))
            assert not [file for file in self.store.rglob("*") if file.name != ".lock"]
            outcome = "refused"
        else:
            if path.suffix != ".txt":
                assert_others_whole(found, self.whole, damaged=path.stem)
            if mutation.checked:
                assert_others_whole(found, self.whole)
            outcome = "read"
        finally:
            faulthandler.cancel_dump_traceback_later()
            path.write_bytes(self.files[path])
        self.slowest = max(self.slowest, time.process_time() - start)
        self.outcomes[f"{path.parent.name if path.suffix != '.txt' else 'list'}{path.suffix} {outcome}"] += 1

    def check_alone(self, path: Path) -> None:
        """As an image for predictions, turned upright, and as a label of indices."""
        for read in (read_image, partial(read_label, classes=3, void=VOID)):
            try:
                read(path)
            except FileError as error:
                assert_clean(str(error).replace(str(error.file), ""))


def assert_clean(message: str) -> None:
    assert not UNPRINTABLE.search(message), message
    assert len(message) < 10_000
    assert not re.search(r"Error\(|Traceback|object at 0x", message), message


def assert_others_whole(
    found: dict[str, tuple[np.ndarray, np.ndarray]],
    whole: dict[str, tuple[np.ndarray, np.ndarray]],
    *,
    damaged: str = "",
) -> None:
    """All pixels but those of the damaged name are as before."""
    assert found.keys() == whole.keys()
    for name in whole.keys() - {damaged}:
        assert all(np.array_equal(*pair) for pair in zip(found[name], whole[name], strict=True)), name


def memory() -> int:
    """The most that this process has held, in MiB; unlike ru_maxrss without what its parent held."""
    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kibibytes) // 1024


def main(examples: int, folder: Path) -> None:
    fuzz = Fuzz(folder)

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), path=st.sampled_from(sorted(fuzz.files)))
    def one_file(data: st.DataObject, path: Path) -> None:
        mutation = data.draw(mutations(fuzz.files[path]))
        assume(mutation.data != fuzz.files[path])
        fuzz.check(path, mutation)

    one_file()
    print(json.dumps({"seconds": fuzz.slowest, "memory": memory(), "outcomes": dict(fuzz.outcomes)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
