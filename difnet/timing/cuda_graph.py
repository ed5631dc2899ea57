"""A call as a CUDA graph: all that it launches on a GPU is launched at once, without the host between."""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_UP = 3
"""Calls before the recording: what is loaded, chosen or allocated at first use cannot be recorded."""


def recorded(call: Callable[[], object]) -> Callable[[], None]:
    """Record a call on the current GPU and return its replay, which works on the same memory.

    Args:
        call: Must not look at a value on the GPU.

    Raises:
        RuntimeError: What it does cannot be recorded.
    """
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay
