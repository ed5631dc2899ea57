"""The files of a project, as this version lays them out: Snakefile, rules, benchmarks, ablations, profiles.

The checkout is such a project itself; the wheel holds a copy of its files.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import difnet
from difnet.config.digests import read_digested, write_digested
from difnet.config.errors import InputError
from difnet.config.files import atomic_path, write_text

PARTS = ("Snakefile", "workflow", "ablations", "profiles")
MANIFEST = ".difnet.json"
"""What `difnet init` has written: the version, and the SHA-256 of every file."""
SHOWN = 5
"""Files that a message names."""
GITIGNORE = "/results/\n/data/\n.snakemake/\n"


@dataclass(frozen=True)
class LaidOut:
    """What `lay_out` has done; files by their path in the project."""

    first: bool
    """Whether the folder was no project before."""
    written: tuple[str, ...]
    """New ones, and unchanged ones of an earlier version."""
    removed: tuple[str, ...]
    """Unchanged ones that this version no longer has."""
    kept: tuple[str, ...]
    """Those that the user has changed or deleted, and this version as well."""


def installed_files() -> Path:
    """The folder with the files of this version: in the wheel, or the checkout it was installed from."""
    package = Path(difnet.__file__).resolve().parent
    packaged = package / "project"
    return packaged if packaged.is_dir() else package.parent


def is_packaged(root: Path) -> bool:
    """Whether a folder is the copy in the wheel, where no results belong."""
    return root == Path(difnet.__file__).resolve().parent / "project"


def lay_out(target: Path) -> LaidOut:
    """Write the files of this version, and bring unchanged ones of an earlier version up to it.

    Files that the user has changed stay as they are; files that only have a name of ours stop it before
    anything is written.

    Args:
        target: Folder of the project.

    Raises:
        InputError: If it is a checkout, holds other files of these names, or cannot be written.
    """
    source = installed_files()
    if target.resolve() == source:
        raise InputError(f"{target}: is the checkout that difnet was installed from, a project already")
    ours = {name: (source / name).read_bytes() for name in _names(source)}
    first = not (target / MANIFEST).is_file()
    before: dict[str, str] = {} if first else _manifest(target)["files"]
    there = {name: path.read_bytes() for name in {*ours, *before} if (path := target / name).is_file()}
    foreign = sorted(name for name, content in there.items() if first and content != ours[name])
    if foreign:
        more = f" and {len(foreign) - SHOWN} more" * (len(foreign) > SHOWN)
        raise InputError(
            f"{target}: holds {', '.join(foreign[:SHOWN])}{more}, not written by difnet init; choose another "
            "folder"
        )
    written, removed, kept = [], [], []
    for name, content in ours.items():
        if there.get(name) == content:
            continue
        untouched = name not in before if name not in there else _sha256(there[name]) == before.get(name)
        if not untouched:
            if _sha256(content) != before.get(name):
                kept.append(name)
            continue
        with atomic_path(target / name) as temporary:
            temporary.write_bytes(content)
        written.append(name)
    for name in sorted({*before} & {*there} - {*ours}):
        if _sha256(there[name]) == before[name]:
            (target / name).unlink()
            removed.append(name)
    manifest = {
        "version": difnet.__version__,
        "files": {name: _sha256(content) for name, content in ours.items()},
    }
    write_digested(target / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    if first and not (target / ".gitignore").exists():
        write_text(target / ".gitignore", GITIGNORE)
    return LaidOut(first, tuple(written), tuple(removed), tuple(kept))


def check_version(root: Path) -> None:
    """Refuse to run rules of one version with the commands of another.

    Raises:
        InputError: If the project was laid out by another version, or its record is damaged.
    """
    if (root / MANIFEST).is_file():
        version = _manifest(root)["version"]
        if version != difnet.__version__:
            raise InputError(
                f"{root}: was laid out by difnet {version}, installed is {difnet.__version__}; run "
                f"'difnet init {root}', which keeps what you have changed"
            )


def _manifest(root: Path) -> dict[str, Any]:
    path = root / MANIFEST
    try:
        found = read_digested(path)
        return {"version": str(found["version"]), "files": dict(found["files"])}
    except (OSError, ValueError, TypeError, KeyError, InputError) as error:
        raise InputError(f"{path}: is damaged; take it back from your copy, or start a new folder") from error


def _names(source: Path) -> list[str]:
    """The files of a project, by their path in it."""
    found = [
        path
        for part in PARTS
        for path in ([source / part] if (source / part).is_file() else sorted((source / part).rglob("*")))
    ]
    return [
        path.relative_to(source).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    ]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
