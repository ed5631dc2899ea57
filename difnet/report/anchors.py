"""Anchors within the page."""

from __future__ import annotations

import re


def anchor(*parts: str) -> str:
    """An id made of names, whatever characters they hold: `shapes-run-cascade@restart=0.1`.

    What may stand in the fragment of a link stays; any other character becomes its number, so that different
    names have different anchors.
    """
    return "-".join(re.sub(r"[^A-Za-z0-9_.@=,-]", _number, part) for part in parts)


def _number(match: re.Match[str]) -> str:
    return f"~{ord(match[0]):x}~"
