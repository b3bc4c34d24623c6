"""One float model to one file: whose ranges, which contract, what name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_calibration.ranges import Ranges, read_ranges
from faceage_convert.conversion import quantized_contract, to_quantized
from faceage_edge.errors import FacesError, ModelFileError
from faceage_models.float_source import SHIPPED_AGE, SHIPPED_DETECTORS, shipped_float


@pytest.fixture(scope="session")
def ranges(shipped: Any) -> Ranges:
    """The shipped age model's ranges."""
    return read_ranges(shipped.age_ranges)


def test_ranges_of_another_model_are_refused(ranges: Ranges) -> None:
    """The message has both digests and the command that records new ranges."""
    source = shipped_float(SHIPPED_DETECTORS["mtcnn"][2])
    with pytest.raises(FacesError) as caught:
        to_quantized(source, ranges)
    message = str(caught.value)
    assert ranges.model_digest[:16] in message
    assert source.contract.model_digest[:16] in message
    assert "record them again with: faceage-calibrate ranges --model" in message


def test_provenance(ranges: Ranges) -> None:
    """The contract says from what and with what the file was made."""
    source = shipped_float(SHIPPED_AGE)
    made = to_quantized(source, ranges).contract.provenance
    assert made["scheme"] == "int8"
    assert made["source_digest"] == source.contract.model_digest
    assert made["calibration"]["n"] == ranges.calibration.n
    assert len(made["calibration"]["pictures"]) == 10 * ranges.calibration.n
    assert made["weights_terms"] == source.contract.provenance["weights_terms"]
    assert "ai-edge-quantizer" in made["tools"]


def test_same_input_same_bytes(ranges: Ranges) -> None:
    """Quantizing twice gives one graph."""
    source = shipped_float(SHIPPED_AGE)
    assert to_quantized(source, ranges).data == to_quantized(source, ranges).data


def test_file_is_named_after_its_scheme(ranges: Ranges) -> None:
    """The name says what was read back, not what was asked for."""
    converted = to_quantized(shipped_float(SHIPPED_AGE), ranges)
    assert converted.file_name == "age-mobilenet-coral.int8.tflite"
    other = replace(
        converted, contract=replace(converted.contract, provenance={"scheme": "float32"})
    )
    assert other.file_name == "age-mobilenet-coral.float32.tflite"


def test_lost_output_is_named(shipped: Any) -> None:
    """A quantized file without an output of the contract is refused."""
    contract = shipped_float(SHIPPED_AGE).contract
    renamed = replace(contract, outputs=(replace(contract.outputs[0], name="years"),))
    with pytest.raises(ModelFileError, match=r"has \['input', 'ranks'\], but not \['years'\]"):
        quantized_contract(renamed, Path(shipped.age_int8).read_bytes(), "mine")
