"""A finished selection in one ZIP archive with a manifest, which others open, check and merge.

Every byte of it is bound: those of a file by the manifest, all by the SHA-256 in the archive's comment.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import difnet
from difnet.config import BenchmarkPlan, InputError, RunFolder, atomic_path, read_plan
from difnet.config.run_folder import CHECKPOINTS, WEIGHTS

MANIFEST = "MANIFEST.json"
FORMAT = 1
NEEDED = ("scores.csv", "summary.csv", "comparisons.csv", "claims.csv", "report.html")
"""What a finished selection has in its folder, beside its runs."""
TIMED = ("timing.csv", "growth.csv")
"""And what where something is timed."""
LEFT_OUT = {"data", "data-changed", "pretext", "replaced", "along"}
"""Folders of images and of weights that are on the way to others."""
CHUNK = 1 << 20
BOUND = b"sha256 of all bytes before these words: "
COMMENT_BYTES = len(BOUND) + 64
DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file: equal results are equal archives."""


def publish(folders: Sequence[Path], out: Path, *, weight_bytes: int) -> list[str]:
    """Gather finished folders of results in an archive.

    Args:
        folders: Folders of results beside each other, each with its `plan.json`.
        out: The archive, a .zip file.
        weight_bytes: Weights of a run that are larger are left out.

    Returns:
        The files with larger weights, by their path in the archive.

    Raises:
        InputError: If a run or table of a plan is missing, or the archive cannot be written.
    """
    root = folders[0].parent
    if any(folder.parent.resolve() != root.resolve() for folder in folders):
        raise InputError("the folders do not lie beside each other; publish those of one results/ at a time")
    files = list(root.glob("provenance.html"))
    for folder in folders:
        plan = read_plan(folder)
        _check_finished(folder, plan)
        files += [*_files(folder, plan), root / plan.benchmark / "data" / "index.json"]
        files += (root / plan.benchmark / "data").glob(".index.json.sha256")
    large = [file for file in files if file.name == WEIGHTS and file.stat().st_size > weight_bytes]
    named = {file.relative_to(root).as_posix(): file for file in sorted({*files} - {*large})}
    manifest = {
        "format": FORMAT,
        "difnet": difnet.__version__,
        "folders": [folder.name for folder in folders],
        "sha256": {name: _sha256(file) for name, file in named.items()},
    }
    with atomic_path(out) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_member(MANIFEST), json.dumps(manifest, indent=1) + "\n")
            for name, file in named.items():
                with file.open("rb") as source, archive.open(_member(name), "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target)
            archive.comment = b"0" * COMMENT_BYTES
        with temporary.open("r+b") as whole:
            whole.seek(-COMMENT_BYTES, 2)
            whole.write(BOUND + _sha256(temporary, without=COMMENT_BYTES).encode())
    return [file.relative_to(root).as_posix() for file in large]


def is_archive(path: Path) -> bool:
    """Whether a file calls itself an archive of `publish`; only `verify` says whether it is one."""
    return path.suffix == ".zip" and path.is_file()


def verify(path: Path) -> dict[str, str]:
    """Compare every byte of an archive with what was published.

    Returns:
        The SHA-256 of every file in it, by its path in `results/`.

    Raises:
        InputError: If it is no such archive, or a byte was changed: it names the first file that was.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            hashes = _hashes(path, archive)
            for name, expected in hashes.items():
                if _content_sha256(archive, name) != expected:
                    raise _changed(path, name)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: cannot be read as an archive of difnet publish: {error}") from error
    with path.open("rb") as file:
        file.seek(-COMMENT_BYTES, 2)
        bound = file.read()
    if bound != BOUND + _sha256(path, without=COMMENT_BYTES).encode():
        raise _changed(path, "its directory")
    return hashes


def unpack(path: Path, results: Path) -> list[str]:
    """Merge an archive into a folder of results: add its runs, and what else is not there.

    Args:
        path: The archive.
        results: The folder `results/` of a project.

    Returns:
        Files that were there with other content and stay: tables and pages over other runs.

    Raises:
        InputError: If the archive is damaged, or a run is there already with other content; nothing is then
            written.
    """
    hashes = verify(path)
    there = [name for name in hashes if (results / name).exists()]
    other = [name for name in there if _sha256(results / name) != hashes[name]]
    for name in other:
        if {"runs", "data"} & {*PurePosixPath(name).parts[1:2]}:
            raise InputError(f"{results / name}: is there already and not that of {path}; move it away first")
    with zipfile.ZipFile(path) as archive:
        for name in sorted({*hashes} - {*there}):
            with atomic_path(results / name) as temporary:
                temporary.write_bytes(archive.read(name))
    return other


def _check_finished(folder: Path, plan: BenchmarkPlan) -> None:
    runs = [(variant.name, seed) for variant in plan.variants for seed in plan.seeds]
    open_runs = [
        f"{variant} seed {seed}"
        for variant, seed in runs
        if not RunFolder(folder / "runs" / variant / f"seed{seed}").scored
    ]
    needed = (*NEEDED, *TIMED) if plan.timing else NEEDED
    missing = [name for name in needed if not (folder / name).is_file()]
    if open_runs or missing:
        what = f"{len(open_runs)} of {len(runs)} runs, {open_runs[0]} first" if open_runs else missing[0]
        raise InputError(f"{folder}: is not finished: it lacks {what}; run '{plan.command}'")


def _files(folder: Path, plan: BenchmarkPlan) -> Iterator[Path]:
    """What of a folder of results is published; of its runs, those of the plan."""
    planned = {("runs", run.variant, f"seed{run.seed}") for run in plan.runs}
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        wanted = path.is_file() and not LEFT_OUT & {*parts} and path.name not in CHECKPOINTS
        if wanted and not path.name.endswith(".lock") and (parts[0] != "runs" or parts[:3] in planned):
            yield path


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _hashes(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """What the manifest says of every file, which are all that there are."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        found, hashes = manifest["format"], dict(manifest["sha256"])
    except (KeyError, TypeError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise _changed(path, MANIFEST) from error
    if found != FORMAT:
        raise InputError(
            f"{path}: is of format {found}, this version reads {FORMAT}; take the one that wrote it"
        )
    if {MANIFEST, *hashes} != set(archive.namelist()) or len(archive.namelist()) != 1 + len(hashes):
        raise _changed(path, MANIFEST)
    for name in hashes:
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
            raise InputError(f"{path}: {name}: leads out of the folder of results; do not use this archive")
    return hashes


def _content_sha256(archive: zipfile.ZipFile, name: str) -> str | None:
    """Hash of a file in the archive; None where it can no longer be read."""
    try:
        with archive.open(name) as source:
            return hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        return None


def _sha256(path: Path, *, without: int = 0) -> str:
    """Hash of a file, or of all but its last bytes."""
    digest, left = hashlib.sha256(), path.stat().st_size - without
    with path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _changed(path: Path, what: str) -> InputError:
    return InputError(f"{path}: {what} is not what was published: it was changed or cut short; get it again")
