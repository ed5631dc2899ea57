"""YAML with an eye for places: keys that stand twice, and the line of a key."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """Refuses a mapping that holds a key twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping."""
        seen: set[object] = set()
        for name, _ in node.value:
            if name.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{name.value}' is there twice", problem_mark=name.start_mark
                )
            seen.add(name.value)
        return super().construct_mapping(node, deep=deep)


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """The line of a key, or of the nearest enclosing key that the text holds.

    Args:
        text: Valid YAML.
        keys: Path of the key: names of mappings and positions in lists, outermost first.

    Returns:
        The line, from 1; None where not even the outermost key is there.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line: int | None = None
    for key in keys:
        entries: list[tuple[object, yaml.Node, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            entries = [(name.value, name, value) for name, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            entries = [(position, value, value) for position, value in enumerate(node.value)]
        found = next(((place, value) for name, place, value in entries if name == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
