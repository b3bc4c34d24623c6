"""A contract goes into a model file and out again without touching anything else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceage_convert.embed import embed_contract, without_contract
from faceage_edge.contract import Contract
from faceage_edge.embedded import METADATA_NAME, contract_bytes, model_digest, read_contract
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import load_model_bytes


@pytest.fixture(scope="session")
def contract(age_float_bytes: bytes) -> Contract:
    """The shipped float model's contract."""
    return read_contract(age_float_bytes, "shipped")


def test_embedded_contract_reads_back(bare_float: bytes, contract: Contract) -> None:
    """The file holds the bytes of the contract that is returned, with the file's own digest."""
    data, written = embed_contract(bare_float, contract, "mine")
    start, length = read_model_file(data, "mine").metadata[METADATA_NAME]
    assert data[start : start + length] == contract_bytes(written)
    assert written.model_digest == model_digest(data)
    assert read_contract(data, "mine").to_json() == written.to_json()


def test_embedding_again_changes_nothing(bare_float: bytes, contract: Contract) -> None:
    """The same contract embedded twice gives the same bytes, also with another one in between."""
    once, written = embed_contract(bare_float, contract, "mine")
    twice, again = embed_contract(once, written, "mine")
    assert twice == once
    assert again == written
    other, _ = embed_contract(once, replace(contract, licence="a licence unlike any"), "mine")
    back, _ = embed_contract(other, contract, "mine")
    assert b"a licence unlike any" in other
    assert b"a licence unlike any" not in back
    assert back == once


def test_without_contract(age_float_bytes: bytes) -> None:
    """Taking the contract out leaves the graph and other metadata."""
    before = read_model_file(age_float_bytes, "with")
    after = read_model_file(without_contract(age_float_bytes), "without")
    assert METADATA_NAME not in after.metadata
    assert set(after.metadata) == set(before.metadata) - {METADATA_NAME}
    assert (after.tensors, after.operators) == (before.tensors, before.operators)


def test_a_file_that_is_no_model_is_refused(contract: Contract) -> None:
    """Embedding into foreign bytes says what they are."""
    with pytest.raises(ModelFileError, match=r"photo\.jpg is not a TensorFlow Lite model: .*JPEG"):
        embed_contract(b"\xff\xd8\xff\xe0 and so on", contract, "photo.jpg")


def test_weights_behind_the_flatbuffer_survive(
    bare_float: bytes,
    contract: Contract,
    face_crops: npt.NDArray[np.uint8],
    weights_behind: Callable[[bytes], bytes],
) -> None:
    """A model that keeps its weights after the flatbuffer computes the same with its contract."""
    behind = weights_behind(bare_float)
    usual, _ = embed_contract(bare_float, contract, "usual")
    moved, _ = embed_contract(behind, contract, "moved")
    one, other = (
        load_model_bytes(data, Path("mine")).run(face_crops[:2]) for data in (usual, moved)
    )
    assert np.ptp(one["ranks"]) > 1
    assert np.array_equal(one["ranks"], other["ranks"])
