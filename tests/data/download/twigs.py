"""A data set that is downloaded from the loopback server: made, published and prepared by the tests."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
from PIL import Image

from difnet.data.dataset import Archive
from tests.data.download.loopback import Server

FILE = "twigs.tgz"
MODULE = """
import os
from typing import ClassVar

from difnet.data.dataset import Archive, Colour, Dataset, Sample
from difnet.data.files.samples import pair_files
from difnet.data.files.tree import list_folder, locate


class Twigs(Dataset):
    title: ClassVar[str] = "Twigs"
    citation: ClassVar[str] = "made by the tests"
    obtain: ClassVar[str] = "run 'difnet prepare twigs --download'"

    def archives(self) -> tuple[Archive, ...]:
        return (Archive(os.environ["TWIGS_URL"], os.environ["TWIGS_CHECKSUM"], "forest/twigs"),)

    def classes(self) -> dict[str, Colour]:
        return {"ground": (0, 0, 0), "twig": (90, 60, 30)}

    def samples(self) -> dict[str, list[Sample]]:
        root = locate("forest/twigs", self.obtain)
        images, labels = list_folder(root / "images", (".png",)), list_folder(root / "labels", (".png",))
        samples = pair_files(str(root), names=images, images=images, labels=labels, classes=2, void=255)
        return {"train": samples}
"""
LAUNCH = """
import sys
import difnet.data.datasets
difnet.data.datasets.__path__.append(sys.argv.pop(1))
# A file outside the library is no part of its code.
sys.modules["difnet.data.prepare.sources"].code_sha256 = lambda *_, **__: ""
from difnet.cli.main import main
main()
"""


def pack(images: int = 4, side: int = 16) -> bytes:
    """The archive, with images and labels of random pixels."""
    rng = np.random.default_rng(0)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number in range(images):
            image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            label = rng.integers(0, 2, (side, side), dtype=np.uint8)
            for folder, pixels in (("images", image), ("labels", label)):
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                info = tarfile.TarInfo(f"forest/twigs/{folder}/{number:04d}.png")
                info.size = file.tell()
                file.seek(0)
                archive.addfile(info, file)
    return packed.getvalue()


def published(server: Server) -> Archive:
    """What the server delivers."""
    return Archive(server.url(FILE), f"sha256:{hashlib.sha256(server.content).hexdigest()}", "forest/twigs")


def start(folder: Path, server: Server, *options: str) -> Popen[str]:
    """Start `difnet prepare twigs` in a process of its own, with `FOLDER/data` as DIFNET_DATA.

    Args:
        folder: Where everything goes, the store into `store`.
        server: Delivers the archive.
        options: More arguments, such as `--download`.
    """
    module = folder / "datasets" / "twigs.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text(MODULE)
    arguments = ["prepare", "twigs", "--data", str(folder / "store"), *options]
    archive = published(server)
    environment = {
        **os.environ,
        "DIFNET_DATA": str(folder / "data"),
        "TWIGS_URL": archive.url,
        "TWIGS_CHECKSUM": archive.checksum,
        "no_proxy": "*",
    }
    command = [sys.executable, "-c", LAUNCH, str(module.parent), *arguments]
    return Popen(command, env=environment, stdout=PIPE, stderr=PIPE, text=True)


def run(folder: Path, server: Server, *options: str) -> tuple[int, str, str]:
    """Run it to its end: exit code, standard output and standard error."""
    process = start(folder, server, *options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
