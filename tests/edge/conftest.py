"""What the tests of the device side share: contracts by hand, edited model files, noise."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.contract import Contract
from faceage_edge.embedded import parse_contract

GOLDEN = Path(__file__).parent / "golden"

Document = dict[str, Any]


@pytest.fixture(scope="session")
def golden_files() -> list[Path]:
    """The contracts written by hand, one for each head and stage."""
    return sorted(GOLDEN.glob("*.json"))


@pytest.fixture
def golden_document() -> Callable[[str], Document]:
    """Return a function that reads a golden contract's JSON by name; the test may change it."""

    def read(name: str) -> Document:
        document = json.loads((GOLDEN / f"{name}.json").read_bytes())
        assert isinstance(document, dict)
        return document

    return read


@pytest.fixture
def golden_contract() -> Callable[[str], Contract]:
    """Return a function that parses a golden contract by name."""

    def read(name: str) -> Contract:
        return parse_contract((GOLDEN / f"{name}.json").read_bytes(), name)

    return read


@pytest.fixture
def changed() -> Callable[..., Document]:
    """Return a function that copies a document with one place in it changed.

    A path is field names and list positions; the value `...` removes the field.
    """

    def change(document: Document, path: tuple[str | int, ...], value: object) -> Document:
        copy: Any = deepcopy(document)
        place = copy
        for step in path[:-1]:
            place = place[step]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        assert isinstance(copy, dict)
        return copy

    return change


@pytest.fixture
def edit_model() -> Callable[[bytes, Callable[[Any], None]], bytes]:
    """Return a function that edits a .tflite file through TensorFlow Lite's own object tree."""
    from ai_edge_litert.tools import flatbuffer_utils

    def edit(data: bytes, change: Callable[[Any], None]) -> bytes:
        tree = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
        change(tree)
        return bytes(flatbuffer_utils.convert_object_to_bytearray(tree))

    return edit


@pytest.fixture
def noise() -> Callable[..., npt.NDArray[np.uint8]]:
    """Return a function that makes uint8 noise of a shape, the same for the same seed."""

    def make(*shape: int, seed: int = 0) -> npt.NDArray[np.uint8]:
        return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    return make
