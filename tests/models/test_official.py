"""The authors' networks, reproduced to rounding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from difnet.config import LEVELS, InputError
from difnet.models import DeepLab, DifNet, build, from_official, parameter_count
from difnet.models.official import IMPORTANCE_LAYERS, _own_name
from tests.models import golden

NAMES = ["difnet-18", "difnet-50", "nodif-50"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(
    ("folder", "outputs", "gradients"), [(golden.FOLDER, 1e-4, 1e-3), (golden.DOUBLE, 1e-9, 1e-9)]
)
def test_outputs_and_gradients_equal_the_authors(
    name: str, folder: Path, outputs: float, gradients: float
) -> None:
    """In single precision within its rounding, in double within 1e-9; both relative."""
    description, expected = golden.description(name, folder), golden.outputs(name, folder)
    network = from_official(golden.weights(description["state_dict_shapes"]))
    assert not network.training
    number = torch.float64 if folder == golden.DOUBLE else torch.float32
    prediction = network.to(number)(golden.images().to(number))
    produced = {
        "prediction": prediction.logits,
        "scores": prediction.scores,
        "importance": prediction.importance,
    }
    for key, values in expected.items():
        reference = torch.from_numpy(values)
        assert reference.dtype == number
        assert (produced[key] - reference).abs().max() <= outputs * reference.abs().max(), key
    loss = prediction.logits.square().mean()
    assert loss.item() == pytest.approx(description["loss"], rel=outputs)
    loss.backward()
    found = {key: parameter.grad.norm().item() for key, parameter in network.named_parameters()}
    assert len(found) == len(description["grad_l2"])
    floor = 1e-3 * gradients * max(description["grad_l2"].values())
    for official, norm in description["grad_l2"].items():
        own = _own_name(official if name.startswith("difnet") else f"model_sed.{official}")
        assert found[own] == pytest.approx(norm, rel=gradients, abs=floor), official


def test_kind_and_size_are_read_off_the_shapes(name: str) -> None:
    description = golden.description(name)
    network = from_official(golden.weights(description["state_dict_shapes"]))
    assert isinstance(network, DifNet if description["kind"] == "difnet" else DeepLab)
    assert parameter_count(network) == description["parameters"]


@pytest.mark.parametrize(
    "keys", [[], ["state_dict"], ["model"], ["net"], ["model_state_dict"], ["model", "net"]]
)
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_what_training_scripts_wrap_weights_in_is_taken_off(prefix: str, keys: list[str]) -> None:
    state = golden.weights(golden.description("difnet-18")["state_dict_shapes"])
    checkpoint: dict = {f"{prefix}{key}": value for key, value in state.items()}
    for key in keys:
        checkpoint = {"epoch": 3, key: checkpoint, "confusion": torch.zeros(2, 2)}
    network = from_official(checkpoint)
    assert torch.equal(network.state_dict()["diffusion.alpha.3"], state["diffuse3.alpha"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("model_sed.layer5.conv2d_list.0.weight"),
            "not one of the authors' networks",
        ),
        (lambda state: state.pop("diffuse3.alpha"), "does not fit"),
        (lambda state: state.update({"head.weight": torch.zeros(1)}), "unexpected parameter 'head.weight'"),
    ],
)
def test_other_checkpoints_are_refused(change, message: str) -> None:
    state = golden.weights(golden.description("difnet-18")["state_dict_shapes"])
    change(state)
    with pytest.raises(InputError, match=message):
        from_official(state)


def official_names(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state of a network in the authors' parameter names."""
    prefixes = {"seed_branch.resnet.": "model_sed.", "similarity_branch.resnet.": "model_dif."}
    importance = {str(own): name for name, own in IMPORTANCE_LAYERS.items()}
    official = {}
    for name, tensor in network.state_dict().items():
        parts = name.split(".")
        if parts[0] == "diffusion":
            renamed = f"diffuse{parts[2]}.{parts[1]}"
        elif parts[1] == "embeddings":
            renamed = f"diffuse{LEVELS.index(parts[2])}.{('conv', 'bn')[int(parts[3])]}.{parts[4]}"
        elif parts[0] == "importance_map":
            renamed = f"mask_layer.{importance[parts[2]]}.{parts[3]}"
        elif parts[1] == "classifier":
            renamed = f"model_sed.layer5.conv2d_list.{parts[3]}.{parts[4]}"
        else:
            prefix = ".".join(parts[:2]) + "."
            renamed = prefixes[prefix] + name.removeprefix(prefix)
        official[renamed if isinstance(network, DifNet) else renamed.removeprefix("model_sed.")] = tensor
    return official


@pytest.mark.parametrize(
    "name",
    [
        "difnet-18",
        "difnet-34",
        "difnet-18-50",
        "difnet-101",
        "deeplab-18",
        "deeplab-34",
        "deeplab-101",
        "deeplab-18-50",
    ],
)
def test_every_depth_is_recognised(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 5)
    restored = from_official(official_names(network))
    assert type(restored) is type(network)
    expected = network.state_dict()
    assert restored.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in restored.state_dict().items())
