"""Anchors within the page."""

from __future__ import annotations

import re


def anchor(*parts: str) -> str:
    """An id made of names, whatever characters they hold: `shapes-run-cascade`."""
    return "-".join(re.sub(r"[^A-Za-z0-9_-]+", "_", part) for part in parts)
