"""The weights depend on the configuration alone: real processes, killed; and the GPU's replacements."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from difnet.models.node_grid import adaptive_max_pool, resize
from difnet.training.device import use_deterministic
from tests.conftest import PROJECT
from tests.training.conftest import Trainer


def check(*arguments: str) -> list[str]:
    """Lines of scripts/check_determinism.py."""
    script = PROJECT / "scripts" / "check_determinism.py"
    settings = ["--set", "train.checkpoint_every=3", "--set", "train.batch_size=2"]
    done = subprocess.run(
        [sys.executable, str(script), *settings, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_weights_of_killed_trainings_are_the_same() -> None:
    lines = check("--set", "train.steps=40", "--kills", "2", "--workers", "0", "2")
    assert [line.rpartition(", ")[2] for line in lines[1:]] == ["the same", "the same"]
    assert lines[1].startswith("0 workers, 2 kills")


@pytest.mark.slow
def test_weights_of_trainings_killed_twenty_times_are_the_same() -> None:
    lines = check("--set", "train.steps=300", "--kills", "20", "--workers", "0", "2", "4")
    assert [line.rpartition(", ")[2] for line in lines[1:]] == ["the same"] * 3


@pytest.fixture
def deterministic() -> Iterator[None]:
    use_deterministic(True)
    yield
    use_deterministic(False)


@pytest.mark.parametrize(("before", "after"), [((5, 7), (33, 50)), ((41, 41), (321, 321)), ((8, 9), (3, 4))])
def test_resizing_by_matrix_products(before: tuple[int, int], after: tuple[int, int]) -> None:
    maps = torch.randn(2, 3, *before, dtype=torch.float64, requires_grad=True)
    plain = F.interpolate(maps, size=after, mode="bilinear", align_corners=False)
    ours = resize(maps, after)
    assert torch.allclose(ours, plain, rtol=0, atol=1e-12)
    assert torch.equal(resize(maps.detach(), after), plain)
    weights = torch.randn_like(plain)
    expected, found = (
        torch.autograd.grad((maps * weights).sum(), leaf)[0] for maps, leaf in ((plain, maps), (ours, maps))
    )
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("before", "grid"), [((33, 41), (5, 6)), ((12, 12), (12, 12)), ((5, 5), (7, 3))])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.usefixtures("deterministic")
def test_pooling_by_gathering(
    before: tuple[int, int], grid: tuple[int, int], layout: torch.memory_format
) -> None:
    maps = torch.randn(2, 3, *before).to(memory_format=layout).requires_grad_()
    plain, ours = F.adaptive_max_pool2d(maps, grid), adaptive_max_pool(maps, grid)
    assert torch.equal(ours, plain)
    weights = torch.randn_like(plain)
    expected = torch.autograd.grad((plain * weights).sum(), maps)[0]
    found = torch.autograd.grad((ours * weights).sum(), maps)[0]
    assert torch.allclose(found, expected, rtol=0, atol=1e-6)


def test_a_training_with_deterministic_kernels(train: Trainer, tmp_path) -> None:
    plain = train(tmp_path / "plain", "train.precision=fp32", ablation="cascade")
    fixed = train(tmp_path / "fixed", "train.precision=fp32", "train.deterministic=true", ablation="cascade")
    assert torch.are_deterministic_algorithms_enabled()
    train(tmp_path / "again")
    assert not torch.are_deterministic_algorithms_enabled()
    differences = [(plain[name].float() - fixed[name].float()).abs().max() for name in plain]
    assert 0 < max(differences) < 1e-4


@pytest.mark.gpu
def test_two_trainings_on_a_gpu_give_the_same_bits(train: Trainer, tmp_path) -> None:
    runs = [
        train(tmp_path / name, "train.deterministic=true", "train.steps=30", ablation="cascade")
        for name in ("first", "second")
    ]
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
