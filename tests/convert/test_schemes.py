"""A scheme's name is read from the file, and int8 is held to what it means."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceage_convert.schemes import check_int8, read_scheme
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.tflite_graph import operator_name


@pytest.fixture(scope="session")
def int8_bytes(shipped: Any) -> bytes:
    """The shipped int8 age model's file."""
    return bytes(shipped.age_int8.read_bytes())


@pytest.fixture(scope="session")
def mixed_bytes(bare_float: bytes, shipped: Any) -> bytes:
    """The age model in int8 but for its last layer, which the quantizer was told to leave."""
    from ai_edge_quantizer import qtyping, quantizer

    from faceage_calibration.ranges import read_ranges

    ranges = read_ranges(shipped.age_ranges).tensors
    made = quantizer.Quantizer(bytearray(bare_float))
    made.add_static_config(".*", qtyping.TFLOperationName.CONV_2D, 8, 8)
    made.add_static_config(".*", qtyping.TFLOperationName.DEPTHWISE_CONV_2D, 8, 8)
    statistics = {
        name: {"min": np.array([[low]], np.float32), "max": np.array([[high]], np.float32)}
        for name, (low, high) in ranges.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the quantizer's own interpreter
        return bytes(made.quantize(statistics, enable_progress_report=False).quantized_model)


def test_scheme_is_read_back(bare_float: bytes, int8_bytes: bytes, mixed_bytes: bytes) -> None:
    """Float, int8 and half-done files are called what they are."""
    files = (bare_float, int8_bytes, mixed_bytes)
    found = [read_scheme(read_model_file(data, "file")) for data in files]
    assert found == ["float32", "int8", "int8-with-2-float32"]


def test_mixed_file_is_no_int8(mixed_bytes: bytes) -> None:
    """A file with operators left in float is refused by their names."""
    with pytest.raises(ModelFileError, match="half: FULLY_CONNECTED, MEAN stay in float32"):
        check_int8(read_model_file(mixed_bytes, "half"), "half")


def test_shipped_int8_files_are_int8(shipped: Any) -> None:
    """Every shipped int8 file passes."""
    for path in [shipped.age_int8, *sorted(shipped.mtcnn.glob("*.int8.tflite"))]:
        check_int8(read_model_file(path.read_bytes(), path.name), path.name)


def _weights(model: Any, kind: str) -> Any:
    operators = model.subgraphs[0].operators
    first = next(op for op in operators if operator_name(model, op) == kind)
    return model.subgraphs[0].tensors[first.inputs[1]].quantization


def _one_scale(model: Any) -> None:
    weights = _weights(model, "CONV_2D")
    weights.scale, weights.zeroPoint = weights.scale[:1], weights.zeroPoint[:1]


def _other_axis(model: Any) -> None:
    _weights(model, "DEPTHWISE_CONV_2D").quantizedDimension = 0


def _off_zero(model: Any) -> None:
    weights = _weights(model, "CONV_2D")
    weights.zeroPoint = weights.zeroPoint + 3


def _dense_per_channel(model: Any) -> None:
    weights = _weights(model, "FULLY_CONNECTED")
    weights.scale = np.repeat(weights.scale, 100)
    weights.zeroPoint = np.repeat(weights.zeroPoint, 100)


def _unsigned_input(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = 3  # UINT8 of the schema


DOCTORED = [
    (
        _one_scale,
        r"CONV_2D have 1 scales along axis 0, expected 24 along axis 0",
        "per tensor",
    ),
    (
        _other_axis,
        r"DEPTHWISE_CONV_2D have 24 scales along axis 0, expected 24 along axis 3",
        "axis",
    ),
    (_off_zero, r"CONV_2D are int8 with zero points \{3\}, expected int8 around 0", "asymmetric"),
    (_dense_per_channel, r"FULLY_CONNECTED have 100 scales .* expected 1", "the Edge TPU refuses"),
    (_unsigned_input, r"'input' is uint8, expected int8", "a TensorFlow 1 habit"),
]


@pytest.mark.parametrize(
    ("change", "message", "note"), DOCTORED, ids=[case[2] for case in DOCTORED]
)
def test_doctored_files_fail(
    int8_bytes: bytes,
    edited: Callable[..., bytes],
    change: Callable[[Any], None],
    message: str,
    note: str,
) -> None:
    """Each way of not being int8 is named."""
    with pytest.raises(ModelFileError, match=message):
        check_int8(read_model_file(edited(int8_bytes, change), "doctored"), "doctored")
