"""A call is warmed up beside the recording, recorded once, and replayed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from difnet.timing.cuda_graph import WARM_UP, recorded


def test_recorded_once_and_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    @contextmanager
    def recording(graph: object) -> Iterator[None]:
        order.append("begin")
        yield
        order.append("end")

    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", recording)
    graph = SimpleNamespace(replay=lambda: order.append("replay"))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: graph)
    replay = recorded(lambda: order.append("call"))
    replay()
    replay()
    assert order == ["call"] * WARM_UP + ["begin", "call", "end", "replay", "replay"]
