"""Diffusion rules of the user's own: found, trained, and refused in one line with file and line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from difnet.config import InputError, Project, RunConfig, resolve_run
from difnet.models import build, load_network
from difnet.models.custom_rules import MODULE_PREFIX, load_diffusion
from tests.conftest import PROJECT, save_weights
from tests.models.conftest import MEAN

IMAGES = torch.randn(2, 3, 33, 41, generator=torch.Generator().manual_seed(0))


def test_a_rule_is_built_and_learns(rule: Callable[[str], Path]) -> None:
    rule(MEAN)
    network = build("difnet-nano", 5, diffusion="mean").train()
    prediction = network(IMAGES)
    mean = prediction.seeds.mean(dim=(2, 3), keepdim=True)
    assert torch.allclose(prediction.logits, (prediction.seeds + mean) / 2, atol=1e-6)
    prediction.logits.square().mean().backward()
    assert network.get_parameter("diffusion.share").grad.item() != 0


def test_a_rule_may_extend_one_of_the_library(rule: Callable[[str], Path]) -> None:
    rule(
        "from difnet.models.diffusion_rules import Cascade\n\n\nclass Twice(Cascade):\n"
        "    def forward(self, levels, seeds):\n        return 2 * super().forward(levels, seeds)\n"
    )
    torch.manual_seed(0)
    twice = build("difnet-nano", 5, diffusion="mean").eval()
    torch.manual_seed(0)
    once = build("difnet-nano", 5).eval()
    assert torch.equal(twice(IMAGES).logits, 2 * once(IMAGES).logits)
    assert twice.state_dict().keys() == once.state_dict().keys()


def test_an_edited_file_is_read_again(rule: Callable[[str], Path], project: Path) -> None:
    rule(MEAN)
    first = load_diffusion(project, "mean")
    assert load_diffusion(project, "mean") is first
    rule(MEAN.replace("Mean", "Near"))
    assert load_diffusion(project, "mean").__name__ == "Near"
    assert [path.name for path in (project / "ablations").iterdir()] == ["mean.py"]


def test_helpers_and_imported_classes_do_not_count(rule: Callable[[str], Path], project: Path) -> None:
    rule(
        MEAN.replace(
            "import torch\n", "import torch\nfrom pathlib import Path\n\n\nclass _Helper:\n    pass\n\n"
        )
    )
    assert load_diffusion(project, "mean").__name__ == "Mean"


def without(method: str) -> str:
    """The example without one of its two methods."""
    start = MEAN.index(f"    def {method}")
    end = MEAN.find("    def ", start + 1)
    return MEAN[:start] + (MEAN[end:] if end > 0 else "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            MEAN.replace("class Mean(nn.Module):", "class Mean(nn.Module)"),
            "8: not valid Python: expected ':'",
        ),
        ("x = 1\n\0", "1: not valid Python: source code string cannot contain null bytes"),
        (
            MEAN.replace("import torch\n", "import torch\n1 / 0\n"),
            "3: importing the file failed: ZeroDivisionError: division by zero",
        ),
        (
            MEAN.replace("import torch\n", "import torch\nimport nothing_of_this_name\n"),
            "3: importing the file failed: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("raise SystemExit(3)\n", "1: importing the file failed: SystemExit: 3"),
        ("import torch\n", "1: defines no class"),
        (MEAN + "\n\nclass Other:\n    pass\n", "19: a second class, 'Other'; keep one"),
        (MEAN.replace("(nn.Module)", ""), "8: class 'Mean' is not a torch.nn.Module"),
        (without("__init__"), "8: class 'Mean' lacks 'def __init__(self, config)'"),
        (without("forward"), "8: class 'Mean' lacks 'def forward(self, levels, seeds)'"),
        (
            MEAN.replace("self, config: ModelConfig", "self, config, depth"),
            "11: 'Mean.__init__' must take (config): missing a required argument: 'depth'",
        ),
        (
            MEAN.replace("levels: list[Tensor], seeds: Tensor", "seeds"),
            "15: 'Mean.forward' must take (levels, seeds): too many positional arguments",
        ),
        (
            MEAN.replace("config.repeats", "config.depth"),
            "13: building the rule failed: AttributeError: 'ModelConfig' object has no attribute 'depth'",
        ),
    ],
)
def test_a_broken_file_is_one_line(rule: Callable[[str], Path], text: str, message: str) -> None:
    rule(text)
    before = {name for name in sys.modules if name.startswith(MODULE_PREFIX)}
    with pytest.raises(InputError) as raised:
        build("difnet-nano", 5, diffusion="mean")
    assert str(raised.value).startswith(f"ablations/mean.py:{message}")
    assert "\n" not in str(raised.value)
    added = {name for name in sys.modules if name.startswith(MODULE_PREFIX)} - before
    assert not (added and ("importing" in message or "not valid Python" in message))


def test_an_unknown_rule_names_the_nearest(rule: Callable[[str], Path]) -> None:
    rule(MEAN)
    with pytest.raises(InputError, match=re.escape("no file ablations/maen.py; did you mean 'mean'?")):
        build("difnet-nano", 5, diffusion="maen")


def trained(directory: Path, config: RunConfig) -> None:
    save_weights(build(config.model.name, 7, diffusion="mean").state_dict(), directory)


def test_weights_of_an_older_rule_are_refused(rule: Callable[[str], Path], project: Path) -> None:
    path = rule(MEAN)
    benchmark = (PROJECT / "workflow" / "benchmarks" / "tiny.yaml").read_text()
    (project / "workflow" / "benchmarks" / "tiny.yaml").write_text(benchmark)
    (project / "ablations" / "mine.yaml").write_text("title: t\nquestion: q\nmodel: {diffusion: mean}\n")
    config = resolve_run(Project(project), benchmark="tiny", ablation="mine", seed=0)
    trained(project, config)
    assert load_network(project, config, num_classes=7).get_parameter("diffusion.share").item() == 0.5
    path.write_text(MEAN + "\n# an afterthought\n")
    load_network(project, config, num_classes=7)
    path.write_text(MEAN + "\nAFTERTHOUGHT = 1\n")
    with pytest.raises(
        InputError, match=r"ablations/mean\.py: has changed since .* was trained; train the run"
    ):
        load_network(project, config, num_classes=7)
