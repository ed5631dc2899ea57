"""What a rule of the user's own declares and returns: refused in one line where it is not so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from difnet.config import InputError
from difnet.models import build
from difnet.models.rule_protocol import has_states, is_linear
from tests.models.conftest import MEAN

STATES = """
    def states(self, levels, seeds):
        return [seeds] * (len(levels) - 1) + [self.forward(levels, seeds)]
"""


def test_what_a_class_declares(rule: Callable[[str], Path]) -> None:
    declared = MEAN.replace("    def __init__", "    linear = True\n\n    def __init__") + STATES
    rule(declared)
    own = build("difnet-nano", 5, diffusion="mean").diffusion
    assert is_linear(own) and has_states(own) and own.training
    rule(MEAN.replace("        self.share", "        self.linear = nn.Linear(2, 2)\n        self.share"))
    own = build("difnet-nano", 5, diffusion="mean").diffusion
    assert not is_linear(own) and not has_states(own)


def test_declarations_are_inherited_with_forward_alone(rule: Callable[[str], Path]) -> None:
    head = "from difnet.models.diffusion_rules import Cascade\n\n\nclass Mine(Cascade):\n"
    rule(head + "    pass\n")
    own = build("difnet-nano", 5, diffusion="mean").diffusion
    assert is_linear(own) and has_states(own)
    rule(
        head + "    def forward(self, levels, seeds):\n        return super().forward(levels, seeds).relu()\n"
    )
    own = build("difnet-nano", 5, diffusion="mean").diffusion
    assert not is_linear(own) and not has_states(own)


@pytest.mark.parametrize(
    "result",
    [
        "seeds.relu()",
        "seeds + 0.1",
        "seeds.softmax(dim=1)",
        "seeds - seeds.mean(dim=1, keepdim=True)",
        "seeds * seeds",
        "torch.nn.functional.normalize(seeds, dim=2)",
        "seeds * float('nan')",
    ],
)
def test_a_rule_that_is_not_linear_is_one_line(rule: Callable[[str], Path], result: str) -> None:
    """Noticed when it is built, before it is trained; without the declaration it is a rule like others."""
    text = MEAN[: MEAN.index("return")] + f"return {result}\n"
    rule(text)
    build("difnet-nano", 5, diffusion="mean")
    rule(text.replace("    def __init__", "    linear = True\n\n    def __init__"))
    with pytest.raises(InputError) as raised:
        build("difnet-nano", 5, diffusion="mean")
    assert str(raised.value) == (
        "ablations/mean.py:8: 'Mean' declares linear = True, but is not linear in the seeds, each class "
        "alone; change the rule, or remove the declaration"
    )


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (
            "return [seeds] * len(levels)",
            "18: states must return one tensor of the seeds' shape (1, 3, 64) for",
        ),
        ("return [self.forward(levels, seeds)]", "18: states must return one tensor"),
        ("return self.forward(levels, seeds)", "18: states must return one tensor"),
        ("return seeds @ seeds", "19: computing the states failed: RuntimeError: "),
    ],
)
def test_wrong_states_are_one_line(rule: Callable[[str], Path], states: str, message: str) -> None:
    rule(f"{MEAN}\n    def states(self, levels, seeds):\n        {states}\n")
    with pytest.raises(InputError) as raised:
        build("difnet-nano", 5, diffusion="mean")
    assert str(raised.value).startswith(f"ablations/mean.py:{message}")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            "seeds.sum(dim=2)",
            "15: forward returned (2, 5); a tensor of the seeds' shape (2, 5, 30) is expected",
        ),
        (
            "(seeds, levels)",
            "15: forward returned tuple; a tensor of the seeds' shape (2, 5, 30) is expected",
        ),
        ("None", "15: forward returned NoneType; a tensor of"),
        ("seeds @ seeds", "16: diffusing the seeds failed: RuntimeError: "),
    ],
)
def test_a_wrong_result_is_one_line(rule: Callable[[str], Path], result: str, message: str) -> None:
    rule(MEAN[: MEAN.index("return")] + f"return {result}\n")
    network = build("difnet-nano", 5, diffusion="mean")
    with pytest.raises(InputError) as raised:
        network(torch.zeros(2, 3, 33, 41))
    assert str(raised.value).startswith(f"ablations/mean.py:{message}")
