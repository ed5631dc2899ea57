"""The authors' networks, reproduced to rounding."""

from __future__ import annotations

import pytest
import torch

from difnet.config import InputError
from difnet.models import DeepLab, DifNet, from_official, parameter_count
from difnet.models.official import _own_name
from tests.models import golden

NAMES = ["difnet-18", "difnet-50", "nodif-50"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_outputs_and_gradients_equal_the_authors(name: str) -> None:
    description, expected = golden.description(name), golden.outputs(name)
    network = from_official(golden.weights(description["state_dict_shapes"]))
    assert not network.training
    prediction = network(golden.images())
    produced = {
        "prediction": prediction.logits,
        "scores": prediction.scores,
        "importance": prediction.importance,
    }
    for key, values in expected.items():
        reference = torch.from_numpy(values)
        assert (produced[key] - reference).abs().max() <= 1e-4 * reference.abs().max(), key
    loss = prediction.logits.square().mean()
    assert loss.item() == pytest.approx(description["loss"], rel=1e-4)
    loss.backward()
    gradients = {key: parameter.grad.norm().item() for key, parameter in network.named_parameters()}
    assert len(gradients) == len(description["grad_l2"])
    floor = 1e-6 * max(description["grad_l2"].values())
    for official, norm in description["grad_l2"].items():
        own = _own_name(official if name.startswith("difnet") else f"model_sed.{official}")
        assert gradients[own] == pytest.approx(norm, rel=1e-3, abs=floor), official


def test_kind_and_size_are_read_off_the_shapes(name: str) -> None:
    description = golden.description(name)
    network = from_official(golden.weights(description["state_dict_shapes"]))
    assert isinstance(network, DifNet if description["kind"] == "difnet" else DeepLab)
    assert parameter_count(network) == description["parameters"]


def test_data_parallel_prefix_is_ignored() -> None:
    state = golden.weights(golden.description("difnet-18")["state_dict_shapes"])
    network = from_official({f"module.{key}": value for key, value in state.items()})
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
