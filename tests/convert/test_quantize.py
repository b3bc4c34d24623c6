"""Ranges become scales as the contract and the design say."""

from dataclasses import replace
from typing import Any

import pytest

from faceage_calibration.ranges import read_ranges
from faceage_convert.quantize import fixed_ranges, quantize_model
from faceage_edge.contract import Contract, Normalisation
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FacesError
from faceage_edge.flatbuffer import read_model_file


@pytest.fixture(scope="session")
def contract(age_float_bytes: bytes) -> Contract:
    """The shipped float model's contract."""
    return read_contract(age_float_bytes, "shipped")


@pytest.fixture(scope="session")
def ranges(shipped: Any) -> dict[str, tuple[float, float]]:
    """The shipped model's ranges."""
    return read_ranges(shipped.age_ranges).tensors


NORMALISED = [
    (Normalisation("affine", (128.0,) * 3, (128.0,) * 3), (-1.0, 127 / 128), "the shipped one"),
    (Normalisation("affine", (127.5,) * 3, (127.5,) * 3), (-1.0, 1.0), "Keras' tf mode"),
    (Normalisation("affine", (0.0,) * 3, (1.0,) * 3), (0.0, 255.0), "bytes"),
    (
        Normalisation("affine", (100.0, 110.0, 120.0), (-50.0, 50.0, 60.0)),
        (-3.1, 2.9),
        "channels differ, and one runs backwards",
    ),
    (Normalisation("standardise", clip=(-4.0, 5.0)), (-4.0, 5.0), "by the picture's own mean"),
]


@pytest.mark.parametrize(
    ("normalisation", "expected", "note"), NORMALISED, ids=[case[2] for case in NORMALISED]
)
def test_input_range_is_the_contracts(
    contract: Contract, normalisation: Normalisation, expected: tuple[float, float], note: str
) -> None:
    """The input's range follows from the normalisation of all 256 bytes, never from data."""
    changed = replace(contract, input=replace(contract.input, normalisation=normalisation))
    assert fixed_ranges(changed)["input"] == pytest.approx(expected)


def test_scales_of_the_shipped_model(
    bare_float: bytes, contract: Contract, ranges: dict[str, tuple[float, float]]
) -> None:
    """A byte is a quantum of the input, and CORAL logits span 8 to both sides around zero."""
    data = quantize_model(bare_float, ranges, contract, "mine")
    model = read_model_file(data, "mine")
    assert (model.inputs[0].scales, model.inputs[0].zero_points) == ((1 / 128,), (0,))
    assert (model.outputs[0].scales, model.outputs[0].zero_points) == ((1 / 16,), (0,))


def test_quantizer_is_silent(
    bare_float: bytes,
    contract: Contract,
    ranges: dict[str, tuple[float, float]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """stdout is the report's."""
    capfd.readouterr()
    quantize_model(bare_float, ranges, contract, "mine")
    assert capfd.readouterr().out == ""


def test_missing_range_is_named(
    bare_float: bytes, contract: Contract, ranges: dict[str, tuple[float, float]]
) -> None:
    """Ranges that lack a tensor of the model are another model's."""
    name = "conv_dw_3_relu"
    fewer = {key: value for key, value in ranges.items() if key != name}
    with pytest.raises(FacesError, match=f"the ranges lack 1 tensors such as '{name}'"):
        quantize_model(bare_float, fewer, contract, "mine")
