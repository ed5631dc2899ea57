"""What each image of a run adds to its scores, as a file: `per_image.parquet`.

One row an image: its name, a digest of its true labels, the group it belongs to, and a list of K numbers for
every part of a metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from difnet.config.errors import InputError
from difnet.config.files import atomic_path
from difnet.tables.table import check_ours, seal, unsealed

FORMAT, VERSION = b"difnet.per_image", b"3"
MADE_BY = "difnet evaluate RUN"


@dataclass(frozen=True)
class PerImage:
    """What each of I images of a split adds to the sums that scores are made of.

    Attributes:
        names: (I,), all different.
        labels: Digest of the true label map of each, (I,).
        parts: By name, int64 or float64 (I,K) each; K differs from part to part.
        groups: Which images belong together (a shot of a video, in the order of its frames), (I,); empty for
            an image that depends on no other.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    parts: dict[str, NDArray[Any]]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            InputError: If there is no image, a name occurs twice, or there are not as many names as images.
        """
        if not self.names:
            raise InputError("no image was scored; the data set or split is empty")
        if len(self.names) != len(self.labels):
            raise InputError(f"{len(self.names)} image names but {len(self.labels)} images")
        if len(self.names) != len(self.groups):
            raise InputError(f"{len(self.names)} image names but {len(self.groups)} groups")
        if len(set(self.names)) < len(self.names):
            twice = next(name for place, name in enumerate(self.names) if name in self.names[:place])
            raise InputError(f"the image name {twice} occurs twice; every image needs a name of its own")

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all, with the digest that binds it.

        Raises:
            InputError: If a file of somebody else is there, the folder cannot be written or the disk is full.
        """
        check_ours(path)
        columns = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
            for name, values in self.parts.items()
        }
        table = pa.table(
            {
                "image": list(self.names),
                "labels": list(self.labels),
                "group": list(self.groups),
                **columns,
            },
            metadata={FORMAT: VERSION},
        )
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
            seal(path, temporary.read_bytes())

    @classmethod
    def read(cls, path: Path) -> PerImage:
        """Read a file that `write` has written.

        Raises:
            InputError: If there is no such file, it is not what was written, or it is of another kind or
                version.
        """
        content = unsealed(path, made_by=MADE_BY)
        try:
            table = pq.read_table(pa.BufferReader(content))
        except pa.ArrowException as error:
            raise InputError(f"{path} is not a Parquet file; write it again: {MADE_BY}") from error
        if (table.schema.metadata or {}).get(FORMAT) != VERSION:
            raise InputError(
                f"{path} does not hold per-image statistics of this version; write it again: {MADE_BY}"
            )
        names, labels, groups, *parts = table.column_names
        return cls(
            names=tuple(table[names].to_pylist()),
            labels=tuple(table[labels].to_pylist()),
            parts={name: _numbers(table[name]) for name in parts},
            groups=tuple(table[groups].to_pylist()),
        )


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of lists of K numbers as an array (I,K)."""
    flat = np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks])
    return flat.reshape(len(column), column.type.list_size)
