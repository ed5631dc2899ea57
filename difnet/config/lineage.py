"""What an ablation inherits: the ablation itself, what it extends, what that extends, ..."""

from __future__ import annotations

from pathlib import Path

from difnet.config.catalogue import load_ablation, place
from difnet.config.errors import InputError
from difnet.config.schema import AblationConfig


def lineage(root: Path, name: str) -> dict[str, AblationConfig]:
    """An ablation and what it extends, itself first.

    Raises:
        InputError: If one of them does not exist or is not valid, or `extends` is circular.
    """
    family = {name: load_ablation(root, name)}
    while parent := family[name].extends:
        if parent in family:
            circle = " -> ".join([*family, parent])
            raise InputError(f"{_place(root, name, 'extends')}: 'extends' is circular: {circle}")
        family[parent] = _load_named(root, name, "extends", parent)
        name = parent
    return family


def weights_of(root: Path, name: str) -> str | None:
    """The ablation whose trained weights an ablation takes, its own or inherited; None: it is trained.

    Raises:
        InputError: If that ablation does not exist or takes weights of this one, or this one changes `train`.
    """
    needed = [name]
    while source := _weights_source(root, needed[-1]):
        if source in needed:
            circle = " -> ".join([*needed, source])
            raise InputError(f"{_place(root, needed[-1], 'weights_of')}: 'weights_of' is circular: {circle}")
        needed.append(source)
    return needed[1] if len(needed) > 1 else None


def _weights_source(root: Path, name: str) -> str | None:
    trains: list[str] = []
    for member, ablation in lineage(root, name).items():
        if ablation.train:
            trains.append(member)
        if ablation.weights_of:
            if trains:
                raise InputError(
                    f"{_place(root, trains[0], 'train')}: takes the weights of '{ablation.weights_of}', so "
                    "nothing is trained; remove 'train' or 'weights_of'"
                )
            _load_named(root, member, "weights_of", ablation.weights_of)
            return ablation.weights_of
    return None


def _load_named(root: Path, name: str, key: str, other: str) -> AblationConfig:
    """The ablation that a key of another one names."""
    try:
        return load_ablation(root, other)
    except InputError as error:
        if str(error).startswith("unknown"):
            raise InputError(f"{_place(root, name, key)}: '{key}': {error}") from error
        raise


def _place(root: Path, name: str, key: str) -> str:
    return place(root, root / "ablations" / f"{name}.yaml", key)
