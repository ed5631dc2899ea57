"""What a misspelt name or key was likely meant to be: the remark at the end of a message."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

MOST = 3
"""Keys that a remark names."""


def nearest(name: str, known: Sequence[str]) -> str:
    """A remark that names the known word most like `name`, or lists the known ones, if any."""
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not known:
        return "; there are none"
    return f"; did you mean '{matches[0]}'?" if matches else f"; known are {', '.join(sorted(known))}"


def nearest_key(key: str, known: Sequence[str]) -> str:
    """A remark that names the known keys most like a dotted one, with their sections.

    Those of the same last part come first, in whatever section; then one that is spelt like it in its own
    section, then in another. Where nothing is like it, the keys of its section are listed, or the sections.
    """
    section, _, name = key.rpartition(".")
    own = [other for other in known if other.rpartition(".")[0] == section]
    for keys, cutoff in ((known, 1.0), (own, 0.6), (known, 0.6)):
        names = {other: other.rpartition(".")[2] for other in keys}
        like = difflib.get_close_matches(name, list(names.values()), n=1, cutoff=cutoff)
        if same := [other for other in keys if names[other] in like]:
            best = difflib.get_close_matches(key, same, n=MOST, cutoff=0.0)
            best.sort(key=lambda other: other.count("."))
            return f"; did you mean {' or '.join(map(repr, best))}?"
    sections = sorted({other.partition(".")[0] for other in known if "." in other})
    if not own and not sections:
        return "; remove or rename it"
    return f"; known are {', '.join(sorted(own))}" if own else f"; its sections are {', '.join(sections)}"


def dotted_keys(schema: type[BaseModel]) -> list[str]:
    """All keys of a schema and of its sections, as `section.key`."""
    keys: list[str] = []
    for name, field in schema.model_fields.items():
        keys.append(name)
        if section := _section(field.annotation):
            keys += [f"{name}.{key}" for key in dotted_keys(section)]
    return keys


def _section(annotation: Any) -> type[BaseModel] | None:
    """The schema of a key that is a section, also where another value may stand in its place."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
