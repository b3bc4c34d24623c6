"""A channel without weights keeps its bias through quantization."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.ranges import read_ranges
from faceage_convert import quantize
from faceage_convert.dead_channels import raise_dead_channels
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_models.tflite_graph import load_graph, operator_name

_RELU6, _NONE = 3, 0
Change = Callable[[Any], None]


def _dead(kind: str, bias: float, activation: int) -> Change:
    """Let channel 5 of the third operator of a kind have no weights, but a bias."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        operator = [op for op in graph.operators if operator_name(model, op) == kind][2]
        operator.builtinOptions.fusedActivationFunction = activation
        weights, biases = (graph.tensors[i] for i in operator.inputs[1:])
        values = _values(model, weights, np.float32).reshape(weights.shape)
        (values[5] if kind == "CONV_2D" else values[..., 5])[...] = 0
        model.buffers[weights.buffer].data = values.reshape(-1).view(np.uint8)
        offsets = _values(model, biases, np.float32)
        offsets[5] = bias
        model.buffers[biases.buffer].data = offsets.view(np.uint8)

    return change


def _values(model: Any, tensor: Any, dtype: type[Any]) -> npt.NDArray[Any]:
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype).copy()


@pytest.fixture(scope="session")
def contract(age_float_bytes: bytes) -> Contract:
    """The shipped float model's contract."""
    return read_contract(age_float_bytes, "shipped")


@pytest.fixture(scope="session")
def ranges(shipped: Any) -> dict[str, tuple[float, float]]:
    """The shipped model's ranges."""
    return read_ranges(shipped.age_ranges).tensors


def _bias_in_int8(data: bytes, kind: str) -> float:
    """The real bias of channel 5 of the third operator of a kind, as the int8 file has it."""
    model = load_graph(data, "int8")
    graph = model.subgraphs[0]
    operator = [op for op in graph.operators if operator_name(model, op) == kind][2]
    bias = graph.tensors[operator.inputs[2]]
    return float(_values(model, bias, np.int32)[5] * float(bias.quantization.scale[5]))


CASES = [
    ("CONV_2D", 3.0, _RELU6, True, "a constant of a pruned channel"),
    ("DEPTHWISE_CONV_2D", 3.0, _RELU6, True, "the same, depthwise"),
    ("CONV_2D", -3.0, _NONE, True, "a negative one that nothing cuts off"),
    ("CONV_2D", -3.0, _RELU6, False, "a negative one, zero after the ReLU either way"),
]


@pytest.mark.parametrize(
    ("kind", "bias", "activation", "kept", "note"), CASES, ids=[case[4] for case in CASES]
)
def test_bias_of_a_dead_channel(
    bare_float: bytes,
    contract: Contract,
    ranges: dict[str, tuple[float, float]],
    edited: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    bias: float,
    activation: int,
    kept: bool,
    note: str,
) -> None:
    """It is in the int8 file as it was, where the quantizer alone cuts it off."""
    model = edited(bare_float, _dead(kind, bias, activation))
    found = _bias_in_int8(quantize.quantize_model(model, ranges, contract, "mine"), kind)
    assert (abs(found - bias) < 1e-3) == kept
    monkeypatch.setattr(quantize, "raise_dead_channels", lambda data, *_: data)
    cut = _bias_in_int8(quantize.quantize_model(model, ranges, contract, "mine"), kind)
    assert abs(cut - bias) > 1


def test_living_model_is_left_alone(
    bare_float: bytes, ranges: dict[str, tuple[float, float]]
) -> None:
    """The shipped model needs nothing raised and goes to the quantizer to the byte as it is."""
    assert raise_dead_channels(bare_float, ranges, "mine") is bare_float
