"""Which output is the age, what it means, and how its logits are reached."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_convert.embed import embed_contract
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FaceageError, ModelFileError, UsageError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.golden import golden_picture
from faceage_edge.model import load_model_bytes
from faceage_models.age_output import find_age_output, to_logits


def model(*sizes: int) -> ModelFile:
    """Make a graph of nothing but outputs of these sizes, called a, b, c, ..."""
    outputs = tuple(
        TensorInfo(name, (1, size), "float32", (), (), 0, constant=False)
        for name, size in zip("abc", sizes, strict=False)
    )
    return ModelFile(outputs, (), outputs, (), {}, 1)


FOUND = [
    ((100,), {}, ("a", "coral"), "100 ranks"),
    ((101,), {}, ("a", "distribution"), "101 classes"),
    ((1,), {}, ("a", "regression"), "a number"),
    ((70,), {"head": "coral"}, ("a", "coral"), "an unusual number of ranks, said"),
    ((2, 100), {}, ("b", "coral"), "beside a gender"),
    ((101, 100), {"head": "coral"}, ("b", "coral"), "the head decides"),
    ((100, 100), {"name": "b"}, ("b", "coral"), "the name decides"),
]


@pytest.mark.parametrize(("sizes", "said", "expected", "note"), FOUND, ids=[x[3] for x in FOUND])
def test_age_is_found(
    sizes: tuple[int, ...], said: dict[str, str], expected: tuple[str, str], note: str
) -> None:
    """By name, by head, or by the sizes of published heads; what was not said is listed."""
    found = find_age_output(model(*sizes), "mine", **said)
    assert (found.tensor.name, found.head) == expected
    text = " ".join(found.assumed)
    assert ("--head" in text) == ("head" not in said)
    assert ("--output" in text) == (len(sizes) > 1 and "name" not in said)


REFUSED: list[tuple[tuple[int, ...], dict[str, str], str, str]] = [
    ((7,), {}, "7 values, which fits no known age head.*--head coral", "age groups"),
    ((1, 1), {}, "'a' of size 1, 'b' of size 1, of which 2 have", "two numbers"),
    ((2, 10), {}, "of which 0 have the size of an age head.*--output", "a detector's"),
    ((100,), {"name": "z"}, "no output 'z'; it has 'a' of size 100", "a name that is not there"),
    ((100,), {"head": "regression"}, "--head regression does not fit .* 100 values", "head, size"),
    ((1,), {"head": "coral"}, "--head coral does not fit .* has 1 values", "size, head"),
]


@pytest.mark.parametrize(("sizes", "said", "message", "note"), REFUSED, ids=[x[3] for x in REFUSED])
def test_what_cannot_be_told_is_asked(
    sizes: tuple[int, ...], said: dict[str, str], message: str, note: str
) -> None:
    """The message names the outputs and the option that settles it."""
    with pytest.raises(UsageError, match=message):
        find_age_output(model(*sizes), "mine", **said)


def test_activation_is_taken_off(
    age_float_bytes: bytes,
    bare_float: bytes,
    with_activation: Callable[..., bytes],
) -> None:
    """A model with a sigmoid behind its ranks gives the logits it would give without."""
    squashed = with_activation(bare_float, "LOGISTIC")
    contract = read_contract(age_float_bytes, "shipped")
    renamed = contract.to_json()
    renamed["outputs"][0]["name"] = "probabilities"
    contract = contract.from_json(renamed, "renamed")
    logits, notes = to_logits(squashed, contract, "mine")
    assert notes[0].startswith("the final LOGISTIC of 'probabilities' was taken off")
    data, _ = embed_contract(logits, contract, "mine")
    pictures = np.stack([golden_picture(name, 128, 128) for name in ("noise-1", "face")])
    ours = load_model_bytes(data, Path("mine")).run(pictures)["probabilities"]
    shipped = load_model_bytes(age_float_bytes, Path("shipped")).run(pictures)["ranks"]
    assert np.array_equal(ours, shipped)


def test_model_of_logits_is_left_alone(age_float_bytes: bytes) -> None:
    """Nothing to take off, nothing changed."""
    contract = read_contract(age_float_bytes, "shipped")
    assert to_logits(age_float_bytes, contract, "mine") == (age_float_bytes, ())


ENDINGS = [
    ("SOFTMAX", "coral", "ends in SOFTMAX; that belongs to distribution"),
    ("LOGISTIC", "distribution", "ends in LOGISTIC; that belongs to coral"),
]


@pytest.mark.parametrize(("kind", "head", "message"), ENDINGS)
def test_head_and_ending_must_fit(
    bare_float: bytes, with_activation: Callable[..., bytes], kind: str, head: str, message: str
) -> None:
    """A head that is trained behind another activation is a mistake."""
    found = read_model_file(with_activation(bare_float, kind), "mine")
    with pytest.raises(UsageError, match=message):
        find_age_output(found, "mine", head=head)


def test_ending_decides_between_heads(
    bare_float: bytes, with_activation: Callable[..., bytes]
) -> None:
    """A hundred classes behind a softmax are a distribution, not ranks."""
    found = read_model_file(with_activation(bare_float, "SOFTMAX"), "mine")
    assert find_age_output(found, "mine").head == "distribution"


def test_softmax_with_a_temperature_stays(
    age_float_bytes: bytes, bare_float: bytes, with_activation: Callable[..., bytes]
) -> None:
    """A softmax that scales its logits cannot be dropped, and is refused."""
    document = read_contract(age_float_bytes, "shipped").to_json()
    document["outputs"][0] |= {"name": "probabilities", "head": "distribution"}
    del document["outputs"][0]["rank_bias"]
    contract = read_contract(age_float_bytes, "shipped").from_json(document, "mine")
    sharp = with_activation(bare_float, "SOFTMAX", beta=2.0)
    with pytest.raises(ModelFileError, match="ends in SOFTMAX that cannot be taken off"):
        to_logits(sharp, contract, "mine")


def test_share_of_an_age(
    edited: Callable[..., bytes], bare_float: bytes, with_activation: Callable[..., bytes]
) -> None:
    """One number behind a sigmoid is a share of some age, which only the user knows."""

    def one(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors[-2:]:
            tensor.shape = np.array([1, 1], np.int32)

    found = read_model_file(edited(with_activation(bare_float, "LOGISTIC"), one), "mine")
    with pytest.raises(FaceageError, match=r"a share of some age.*--contract.*years_scale"):
        find_age_output(found, "mine")
