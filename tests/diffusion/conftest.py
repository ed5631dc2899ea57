"""What the operator tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

examples = settings(deadline=None, derandomize=True, max_examples=25)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run each test at one compute thread, at which small operators are fastest."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request: pytest.FixtureRequest, one_thread: None) -> int:
    """Runs the test at one and at two compute threads."""
    torch.set_num_threads(request.param)
    return request.param
