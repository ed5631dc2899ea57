"""Damage that disks, cables and full quotas do to a file, for the tests that none of it is silent."""

from __future__ import annotations

import numpy as np

FLIPS, CUTS = 100, 60


def damaged(content: bytes) -> list[bytes]:
    """Copies of a file with one bit flipped each, spread over it, and copies that lost their end."""
    random = np.random.default_rng(0)
    copies = []
    for place in random.integers(8 * len(content), size=FLIPS).tolist():
        copy = bytearray(content)
        copy[place // 8] ^= 1 << place % 8
        copies.append(bytes(copy))
    return copies + [content[:length] for length in random.integers(len(content), size=CUTS)]
