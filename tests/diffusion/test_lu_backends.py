"""The choice of a backend, and CuPy's way through a stand-in: which device, which stream, whose memory."""

from __future__ import annotations

import builtins
import contextlib
import logging
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch

from difnet.config.errors import InputError
from difnet.diffusion import dense_inverse, lu_backends
from difnet.diffusion.lu_backends import choose_backend, cupy_module, cupy_problem, factorise
from tests.diffusion.reference import normal

SECOND = torch.device("cuda", 1)
"""A device that is not the current one."""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What was found out about CuPy, and said of a choice, before and after a test."""
    caches = lu_backends._automatic, lu_backends._import_problem, lu_backends._torch_allocator
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


class StandIn:
    """CuPy on NumPy, which notes where it is asked to work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, from_external: bool) -> None:
        self.noted: list[object] = []
        cuda = types.SimpleNamespace(
            Device=lambda index: self._scope("device", index),
            Stream=types.SimpleNamespace(),
            ExternalStream=lambda pointer, index: self._scope("ExternalStream", pointer, index),
            using_allocator=lambda allocator: self._scope("allocator", allocator),
            PythonFunctionAllocator=lambda allocate, free: types.SimpleNamespace(malloc="torch's"),
            runtime=types.SimpleNamespace(getDeviceCount=lambda: 2),
        )
        if from_external:
            cuda.Stream.from_external = lambda stream: self._scope("from_external", stream.cuda_stream)
        names = {
            "cupy": {"cuda": cuda, "from_dlpack": np.from_dlpack},
            "cupyx": {},
            "cupyx.scipy": {},
            "cupyx.scipy.linalg": {"lu_factor": self._lu_factor},
        }
        for name, contents in names.items():
            module = types.ModuleType(name)
            vars(module).update(contents)
            monkeypatch.setitem(sys.modules, name, module)
            parent, _, child = name.rpartition(".")
            if parent:
                monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
        monkeypatch.setattr(torch.cuda, "device", lambda device: self._scope("torch", device))
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "current_stream", self._stream)

    @staticmethod
    def _stream(device: torch.device) -> Any:
        return types.SimpleNamespace(cuda_stream=f"stream of {device}", device_index=device.index)

    @contextlib.contextmanager
    def _scope(self, *what: object) -> Iterator[None]:
        self.noted.append(what)
        yield

    def _lu_factor(self, *arguments: Any, **keywords: Any) -> Any:
        self.noted.append("lu_factor")
        return scipy.linalg.lu_factor(*arguments, **keywords)


@pytest.mark.parametrize("from_external", [True, False])
def test_cupy_works_on_the_device_and_stream_of_the_tensor(
    from_external: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before CuPy 14, whose `ExternalStream` is deprecated since."""
    cupy = StandIn(monkeypatch, from_external=from_external)
    with cupy_module().scope(SECOND):
        pass
    assert cupy.noted == [
        ("torch", SECOND),
        ("device", 1),
        ("from_external", "stream of cuda:1") if from_external else ("ExternalStream", "stream of cuda:1", 1),
        ("allocator", "torch's"),
    ]


def test_cupy_factorises_within_that_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = StandIn(monkeypatch, from_external=True)
    matrix = 3 * torch.eye(40) + normal(40, 40, seed=0, scale=0.02)
    rows = normal(5, 40, seed=1)
    solution = factorise(matrix.clone(), "cupy").solve(rows, transposed=False)
    assert torch.allclose(solution, torch.linalg.solve(matrix, rows.mT).mT, atol=1e-6)
    assert cupy.noted[0] == ("torch", matrix.device) and cupy.noted[-1] == "lu_factor"


def test_auto_takes_a_cupy_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(monkeypatch, from_external=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_backend("auto", torch.device("cuda:0"), nodes=9) == "cupy"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ModuleNotFoundError("No module named 'cupy'", name="cupy"), "is not installed"),
        (
            ImportError("libcublas.so.13: cannot open shared object file\nmore"),
            r"does not work here \(ImportError: libcublas.so.13: cannot open shared object file\)",
        ),
    ],
)
def test_a_cupy_that_cannot_be_imported_gives_way_to_torch_in_one_line(
    error: ImportError, state: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = builtins.__import__

    def without_cupy(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.partition(".")[0] in {"cupy", "cupyx"}:
            raise error
        return plain(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_cupy)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    there = torch.device("cuda:0")
    for _ in range(2):
        assert choose_backend("auto", there, nodes=9) == "torch"
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith('dense inverse: torch factorises, since backend "cupy" needs CuPy, which ')
    assert "\n" not in line
    with pytest.raises(InputError, match=f'^backend "cupy" needs CuPy, which {state}: pip install'):
        choose_backend("cupy", there, nodes=9)


def test_cupy_without_a_gpu_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    transition, seeds = torch.eye(3)[None], torch.ones(1, 1, 3)
    with pytest.raises(InputError, match='^backend "cupy" needs a CUDA device, and there is none') as error:
        dense_inverse(transition, seeds, 0.1, backend="cupy")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="unknown backend 'numpy'"):
        dense_inverse(transition, seeds, 0.1, backend="numpy")  # type: ignore[arg-type]


def test_cupy_with_cpu_tensors_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (
        cupy_problem(torch.device("cpu")) == "works on CUDA tensors, these are on cpu: move them to the GPU"
    )
    with pytest.raises(InputError, match='"scipy" works on CPU tensors, not on cuda:0'):
        choose_backend("scipy", torch.device("cuda:0"), nodes=9)


def test_auto_says_once_which_backend_it_took(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="difnet"):
        for _ in range(3):
            dense_inverse(torch.eye(3)[None], torch.ones(1, 1, 3), 0.5)
        assert choose_backend("auto", torch.device("cpu"), nodes=5000) == "scipy"
    assert [record.getMessage() for record in caplog.records] == [
        "dense inverse: backend auto takes torch on cpu below 1024 nodes",
        "dense inverse: backend auto takes scipy on cpu from 1024 nodes",
    ]
