"""States and rows of the walks: those of the operators, for rules of the library and of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difnet.config import DataConfig, InputError, ModelConfig, Project, RunFolder, resolve_run
from difnet.data import load_prepared, prepare
from difnet.data.augmentation import normalise
from difnet.diffusion import cascade, transition_matrix
from difnet.evaluation import Segmenter, evaluate_run, predict_images, write_gallery
from difnet.evaluation.forward_pass import ForwardPass
from difnet.evaluation.similarity import level_states, merged_grid, node_classes, similarity_rows, walks
from difnet.models import build, load_network
from difnet.models.diffusion_rules import Cascade, DenseInverse, IterativeInverse
from tests.conftest import PROJECT, save_weights

LEVELS = ("image", "layer1", "layer2")


def inputs(grid: tuple[int, int]) -> tuple[ForwardPass, torch.Tensor]:
    """What a network with three levels gives its diffusion rule, and its importance map."""
    torch.manual_seed(0)
    nodes = grid[0] * grid[1]
    importance = torch.rand(1, 1, *grid)
    prediction = type("P", (), {"importance": importance, "scores": None})()
    levels = [0.3 * torch.randn(1, 16, nodes) for _ in LEVELS]
    return ForwardPass(prediction, levels, torch.randn(1, 4, nodes)), importance.flatten()


def cascade_rule() -> Cascade:
    torch.manual_seed(1)
    rule = Cascade(ModelConfig(levels=LEVELS))
    for weight in (*rule.alpha, *rule.beta):
        torch.nn.init.normal_(weight)
    return rule


def test_states_end_with_the_result() -> None:
    rule, (record, _) = cascade_rule(), inputs((4, 5))
    found = level_states(rule, record, (4, 5))
    assert np.array_equal(found[-1].ravel(), rule(record.levels, record.seeds)[0].argmax(dim=0).numpy())
    first = cascade(record.levels[:1], record.seeds, list(rule.alpha)[:1], list(rule.beta)[:1])
    assert np.array_equal(found[0].ravel(), first[0].argmax(dim=0).numpy())


@pytest.mark.parametrize("rule", [cascade_rule(), DenseInverse(ModelConfig(levels=LEVELS))])
def test_rows_are_those_of_the_transition_matrices(rule: Cascade | DenseInverse) -> None:
    record, importance = inputs((4, 5))
    truth = np.zeros((8, 10), dtype=np.uint8)
    truth[:, 4:] = 1
    truth[:2, :2] = 255
    found = walks(rule, record, grid=(4, 5), truth=truth)
    rows = (found.rows / 255.0) ** 2 * found.peak[..., None]
    for level, features in enumerate(record.levels):
        matrix = transition_matrix(features)[0].numpy()
        assert np.abs(rows[level] - matrix).max() < 0.01 * matrix.max()
        assert found.peak[level] == pytest.approx(matrix.max(axis=1), rel=1e-5)
        assert found.mass[level] == pytest.approx(matrix @ importance.numpy(), rel=1e-5)
        assert found.same[level, 9] == pytest.approx(matrix[9][found.classes == 1].sum(), rel=1e-5)
    with torch.no_grad():
        whole = rule(record.levels, importance.reshape(1, 1, -1))[0, 0].numpy()
    assert found.mass[-1] == pytest.approx(whole, rel=1e-4)
    assert found.classes[0] == 255 and np.isnan(found.same[:, 0]).all()


def test_large_grids_are_merged_without_losing_mass() -> None:
    record, importance = inputs((30, 45))
    found = walks(cascade_rule(), record, grid=(30, 45), truth=np.zeros((60, 90), dtype=np.uint8))
    assert found.grid == (15, 23)
    rows = (found.rows / 255.0) ** 2 * found.peak[..., None]
    assert rows.sum(axis=2) == pytest.approx(1.0, abs=0.02)
    _, blocks = merged_grid((30, 45))
    matrix = transition_matrix(record.levels[1])[0].numpy()
    block = matrix[blocks == 7].mean(axis=0)
    expected = np.bincount(blocks, weights=block)
    assert found.peak[1, 7] == pytest.approx(expected.max(), rel=1e-4)
    assert found.mass[1, 7] == pytest.approx(block @ importance.numpy(), rel=1e-4)


@pytest.mark.parametrize("grid", [(1, 1), (8, 8), (20, 20), (15, 20), (65, 65), (3, 900)])
def test_merged_grids_cover_every_node(grid: tuple[int, int]) -> None:
    merged, blocks = merged_grid(grid)
    assert len(blocks) == grid[0] * grid[1]
    assert np.array_equal(np.unique(blocks), np.arange(merged[0] * merged[1]))
    assert merged[0] * merged[1] <= 1.1 * 400


def test_class_of_a_node_is_the_most_frequent() -> None:
    truth = np.array([[1, 1, 2, 2], [1, 0, 255, 2], [255, 255, 3, 0], [255, 255, 0, 0]], dtype=np.uint8)
    assert node_classes(truth, (2, 2)).tolist() == [1, 2, 255, 0]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Cascade, {"kind": "softmax"}),
        (Cascade, {"kind": "top_k", "k": 4}),
        (DenseInverse, {"kind": "cosine"}),
        (IterativeInverse, {"kind": "softmax"}),
    ],
)
def test_rows_of_the_similarity(
    rule: type[Cascade | DenseInverse | IterativeInverse], kind: dict[str, object]
) -> None:
    torch.manual_seed(0)
    config = ModelConfig.model_validate({"levels": ("image", "layer1", "layer2"), "transition": kind})
    diffusion = rule(config)
    levels = [0.3 * torch.randn(1, 16, 20) for _ in config.levels]
    rows = similarity_rows(diffusion, levels, node=7)
    for row, level in zip(rows[:-1], levels, strict=True):
        matrix = transition_matrix(level, transition=diffusion.transition)[0]
        assert row.numpy() == pytest.approx(matrix[7].numpy(), rel=1e-4, abs=1e-7)
    signal = torch.randn(1, 2, 20)
    with torch.no_grad():
        diffused = diffusion(levels, signal)[0, :, 7]
    assert (signal[0] @ rows[-1]).numpy() == pytest.approx(diffused.numpy(), rel=1e-3, abs=1e-4)


OWN = '''
import torch
from torch import nn

from difnet.diffusion import random_walk


class Own(nn.Module):
    """A walk along each level from the last to the first, each with its own restart and offset."""

    linear = True

    def __init__(self, config):
        super().__init__()
        self.restart = nn.Parameter(torch.linspace(0.2, 0.6, len(config.levels)))
        self.offset = nn.Parameter(torch.zeros(1))

    def forward(self, levels, seeds):
        return self.states(levels, seeds)[-1]

    def states(self, levels, seeds):
        found, h = [], seeds
        for level, a in zip(reversed(levels), self.restart):
            h = (1 - a) * random_walk(level, h) + a * seeds + self.offset
            found.append(h)
        return found
'''
PIXEL = (20, 13)


@pytest.fixture
def own_run(project: Path, write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of an ablation with a rule of the user's own, and prepared images."""
    monkeypatch.chdir(project)
    tiny = (PROJECT / "workflow" / "benchmarks" / "tiny.yaml").read_text()
    write("workflow/benchmarks/tiny.yaml", tiny)
    write("ablations/own.yaml", "title: t\nquestion: q\nmodel: {diffusion: own}\n")
    write("ablations/own.py", OWN)
    prepare(
        DataConfig(name="shapes", options={"size": 40, "train": 1, "val": 3, "test": 1}), project / "data"
    )
    config = resolve_run(Project(project), benchmark="tiny", ablation="own", seed=0)
    torch.manual_seed(0)
    network = build("difnet-nano", 7, diffusion="own")
    for embedding in network.similarity_branch.embeddings.values():
        embedding[1].weight.data.fill_(0.25)  # else every P is the identity
    RunFolder(project / "run").write_config(config, {})
    classes = {f"class {number}": (0, 40 * number, 0) for number in range(7)}
    save_weights(network.state_dict(), project / "run", classes=classes)
    return project / "run"


def test_a_rule_of_the_users_own_has_states_and_rows(own_run: Path, project: Path) -> None:
    """In the gallery, and for the pixel of `difnet predict --similarity`."""
    evaluate_run(own_run, data=project / "data")
    write_gallery([own_run], reference="own", data=project / "data", out=project / "gallery.npz")
    gallery = np.load(project / "gallery.npz")
    config = resolve_run(Project(project), benchmark="tiny", ablation="own", seed=0)
    network = load_network(own_run, config, num_classes=7)
    split = load_prepared(project / "data").split("val")
    image = split.image(0)
    with torch.no_grad():
        scores, levels = network.branches(normalise(torch.from_numpy(image.copy())[None], "imagenet"))
        seeds = (network.importance_map(scores) * scores).flatten(2)
        h, whole, states = seeds, torch.eye(36), []
        for level, a in zip(levels[::-1], torch.linspace(0.2, 0.6, 5), strict=True):
            matrix = transition_matrix(level)[0]
            h = (1 - a) * h @ matrix.T + a * seeds
            whole = (1 - a) * matrix @ whole + a * torch.eye(36)
            states.append(h[0].argmax(dim=0).reshape(6, 6).numpy())
    assert np.array_equal(gallery["states/0/0"], states)
    rows = (gallery["rows/0"] / 255.0) ** 2 * gallery["peak/0"][..., None]
    for row, matrix in zip(rows, [*(transition_matrix(level)[0] for level in levels), whole], strict=True):
        assert np.abs(row - matrix.numpy()).max() < 0.01 * float(matrix.max())
    Image.fromarray(image).save(project / "image.png")
    list(
        predict_images(
            [project / "image.png"],
            segmenter=Segmenter.of_run(own_run),
            out=project / "out",
            similarity=PIXEL,
        )
    )
    node = whole[3 * 6 + 1].reshape(6, 6).numpy()  # 40 pixels are 6 nodes
    with Image.open(project / "out" / "image_similarity_diffusion.png") as shown:
        centres = np.asarray(shown)[3::7, 3::7] / 255.0
    assert np.abs(centres**2 - node / node.max()).max() < 0.01


def test_a_rule_that_is_not_linear_once_trained_is_one_line(own_run: Path, project: Path) -> None:
    """The offset starts at zero, so that it was linear when it was built."""
    config = resolve_run(Project(project), benchmark="tiny", ablation="own", seed=0)
    network = load_network(own_run, config, num_classes=7)
    network.diffusion.offset.data.fill_(0.5)
    record, _ = inputs((4, 5))
    message = (
        r"^ablations/own\.py:8: 'Own' declares linear = True, but is not linear in the seeds, each class"
    )
    with pytest.raises(InputError, match=message):
        walks(network.diffusion, record, grid=(4, 5), truth=np.zeros((8, 10), dtype=np.uint8))
    with pytest.raises(InputError, match=message):
        similarity_rows(network.diffusion, record.levels, node=7)
