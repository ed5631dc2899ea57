"""How far the decoding of a data set is, said now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator

from difnet.data.dataset import Sample

EVERY = 10.0
"""Seconds between two lines."""


class Progress:
    """Counts the samples of all splits as they are taken; a line on standard error every ten seconds."""

    def __init__(self, title: str, total: int) -> None:
        """Begin with none of `total`."""
        self.title, self.total, self.done = title, total, 0
        self.began = self.said = time.monotonic()

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """The samples of one split, each counted when the next is asked for."""
        for sample in samples:
            yield sample
            self.done += 1
            now = time.monotonic()
            if now - self.said >= EVERY:
                self.said = now
                self._say(self.done / (now - self.began))

    def _say(self, rate: float) -> None:
        left = (self.total - self.done) / rate
        print(
            f"{self.title}: {self.done} of {self.total} images, {rate:.0f} images/s, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
