"""Data sets: found by name, checked, stored as plain pixels, and read from there.

Batches are in `difnet.data.batches`, which alone needs PyTorch.
"""

from difnet.data.dataset import VOID, Dataset, Pair, Sample, dataset_names, open_dataset
from difnet.data.files.problems import FileError
from difnet.data.prepare import planned_change, prepare
from difnet.data.store import DataIndex, PreparedData, Split, SplitIndex, load_prepared

__all__ = [
    "VOID",
    "DataIndex",
    "Dataset",
    "FileError",
    "Pair",
    "PreparedData",
    "Sample",
    "Split",
    "SplitIndex",
    "dataset_names",
    "load_prepared",
    "open_dataset",
    "planned_change",
    "prepare",
]
