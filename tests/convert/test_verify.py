"""Verification finds files that are not what they claim or do not compute."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_convert.embed import embed_contract
from faceage_convert.golden_outputs import with_golden
from faceage_convert.verify import PICTURES, different_pictures, verify_file
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ContractError, ModelFileError


@pytest.fixture(scope="session")
def int8_bytes(shipped: Any) -> bytes:
    """The shipped int8 age model's file."""
    return bytes(shipped.age_int8.read_bytes())


def test_shipped_model_passes(int8_bytes: bytes, face_crops: npt.NDArray[np.uint8]) -> None:
    """What was found of the shipped model is what its card says."""
    checks = verify_file(int8_bytes, "shipped", face_crops[:PICTURES])
    assert checks.scheme == "int8"
    assert checks.operators == {
        "CONV_2D": 14, "DEPTHWISE_CONV_2D": 13, "MEAN": 1, "FULLY_CONNECTED": 1
    }  # fmt: skip
    assert checks.size_bytes == len(int8_bytes)
    assert checks.kernel_difference <= 1
    assert (checks.answers, checks.pictures) == (PICTURES, PICTURES)


def _without_weights(data: bytes, edited: Callable[..., bytes]) -> bytes:
    def zero(model: Any) -> None:
        graph = model.subgraphs[0]
        # The last operator is the head: all that comes before it is multiplied by zero.
        weights = graph.tensors[graph.operators[-1].inputs[1]]
        buffer = model.buffers[weights.buffer]
        buffer.data = np.zeros_like(buffer.data)

    return edited(data, zero)


def test_constant_model_is_refused(
    int8_bytes: bytes, face_crops: npt.NDArray[np.uint8], edited: Callable[..., bytes]
) -> None:
    """A head of zero weights gives every face one age, and no file."""
    contract = read_contract(int8_bytes, "shipped")
    data, _ = with_golden(_without_weights(int8_bytes, edited), contract, "constant")
    with pytest.raises(ModelFileError, match=r"answers to 20 different pictures is 1, expected 10"):
        verify_file(data, "constant", face_crops[:PICTURES])


def test_scheme_must_be_the_files(
    age_float_bytes: bytes, face_crops: npt.NDArray[np.uint8]
) -> None:
    """A float file whose contract says int8 is refused before it runs."""
    contract = read_contract(age_float_bytes, "shipped")
    lying = replace(contract, provenance={**contract.provenance, "scheme": "int8"})
    data, _ = embed_contract(age_float_bytes, lying, "lying")
    with pytest.raises(ModelFileError, match="lying holds float32 numbers, its contract says int8"):
        verify_file(data, "lying", face_crops[:PICTURES])


def test_golden_outputs_must_come_back(
    int8_bytes: bytes, face_crops: npt.NDArray[np.uint8]
) -> None:
    """Golden outputs of two quanta more are another model's."""
    contract = read_contract(int8_bytes, "shipped")
    shifted = [[value - 2 for value in row] for row in contract.golden["builtin"]["ranks"]]
    golden = {**contract.golden, "builtin": {"ranks": shifted}}
    data, _ = embed_contract(int8_bytes, replace(contract, golden=golden), "shifted")
    with pytest.raises(ContractError, match="outputs differ from the converter's by 2"):
        verify_file(data, "shifted", face_crops[:PICTURES])


def test_values_that_are_not_finite(age_float_bytes: bytes, edited: Callable[..., bytes]) -> None:
    """A model of NaN gets no golden outputs and no file, but a message."""

    def spoil(model: Any) -> None:
        graph = model.subgraphs[0]
        buffer = model.buffers[graph.tensors[graph.operators[-1].inputs[1]].buffer]
        buffer.data = np.full(len(buffer.data) // 4, np.nan, np.float32).view(np.uint8)

    contract = read_contract(age_float_bytes, "shipped")
    with pytest.raises(ModelFileError, match=r"broken: its output 'ranks' holds .* not finite"):
        with_golden(edited(age_float_bytes, spoil), contract, "broken")


SIZES = [(128, 128, "the age model"), (248, 272, "P-Net's canvas"), (24, 24, "R-Net"), (33, 17, "")]


@pytest.mark.parametrize(("height", "width", "note"), SIZES)
def test_drawn_pictures_differ(height: int, width: int, note: str) -> None:
    """Twenty pictures of any size, no two alike, the same on every machine."""
    pictures = different_pictures(height, width)
    assert (pictures.shape, pictures.dtype) == ((PICTURES, height, width, 3), np.uint8)
    assert len({picture.tobytes() for picture in pictures}) == PICTURES
    assert np.array_equal(pictures, different_pictures(height, width))


def test_message_names_the_file(int8_bytes: bytes, tmp_path: Path) -> None:
    """A damaged file is refused by name, before native code sees it."""
    with pytest.raises(ModelFileError, match="half is damaged or cut short"):
        verify_file(int8_bytes[: len(int8_bytes) // 2], "half", different_pictures(128, 128))
