"""A contract and its file belong together, or the file is refused."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_convert.embed import embed_contract, without_contract
from faceage_edge.contract import Contract
from faceage_edge.embedded import (
    METADATA_NAME,
    contract_bytes,
    model_digest,
    parse_contract,
    read_contract,
    seal,
)
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.flatbuffer import read_model_file

Edit = Callable[[bytes, Callable[[Any], None]], bytes]


@pytest.fixture(scope="module")
def data() -> bytes:
    """R-Net in int8: small, batch 8, two outputs."""
    folder = Path(__file__).resolve().parents[2] / "models" / "mtcnn"
    return (folder / "mtcnn-rnet.int8.tflite").read_bytes()


@pytest.fixture(scope="module")
def contract(data: bytes) -> Contract:
    """Its contract."""
    return read_contract(data, "rnet")


def place_of(data: bytes) -> tuple[int, int]:
    """First byte and length of the contract in a file."""
    return read_model_file(data, "file").metadata[METADATA_NAME]


def test_shipped_files_carry_their_sidecar(repo_root: Path) -> None:
    """The contract inside every shipped model is, byte for byte, the JSON file beside it."""
    paths = sorted(repo_root.glob("models/*/*.tflite"))
    assert len(paths) >= 8
    for path in paths:
        data = path.read_bytes()
        start, length = place_of(data)
        assert data[start : start + length] == path.with_suffix(".json").read_bytes(), path
        assert contract_bytes(read_contract(data, path.name)) == data[start : start + length]


def test_the_digest_ignores_the_contract_only(data: bytes, contract: Contract) -> None:
    """It is SHA-256 over the file with the contract's bytes as zeros."""
    start, length = place_of(data)
    other = data[:start] + b" " * length + data[start + length :]
    assert model_digest(data) == model_digest(other) == contract.model_digest
    assert model_digest(data[:-1] + bytes([data[-1] ^ 1])) != contract.model_digest


def test_a_changed_byte_anywhere_else_is_noticed(data: bytes) -> None:
    """One bit changed anywhere outside the contract's own bytes, and the file is refused."""
    start, length = place_of(data)
    outside = [*range(start), *range(start + length, len(data))]
    chosen = [*outside[:64], *random.Random(2).sample(outside, 600), outside[-1]]
    for at in chosen:
        changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with pytest.raises(ModelFileError):
            read_contract(changed, "file")


def test_a_changed_weight_names_both_digests(data: bytes, contract: Contract) -> None:
    """The message tells what the contract is about and what was found."""
    start, length = place_of(data)
    # Weights fill most of the file: half way there is one, in front of or behind the contract.
    at = len(data) // 2
    assert not start <= at < start + length
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    with pytest.raises(ContractError, match="about another file") as caught:
        read_contract(changed, "file")
    assert contract.model_digest[:16] in str(caught.value)
    assert model_digest(changed)[:16] in str(caught.value)


def test_a_changed_contract_is_noticed_where_it_matters(data: bytes, contract: Contract) -> None:
    """Of the contract's own bytes, those that the file can vouch for are checked against it."""
    start, length = place_of(data)
    text = data[start : start + length]
    for old, new in [
        (b'"zero_point": ', b'"zero_pain": 1'),
        (b'"name": "input"', b'"name": "imput"'),
        (contract.model_digest.encode(), contract.model_digest[::-1].encode()),
        (b"{\n", b"[\n"),
        (b'"format": 1', b'"format": 9'),
    ]:
        assert len(old) == len(new)
        changed = text.replace(old, new, 1)
        assert changed != text
        with pytest.raises(ContractError):
            read_contract(data[:start] + changed + data[start + length :], "file")


def test_a_contract_of_another_model(repo_root: Path, data: bytes, contract: Contract) -> None:
    """Another network's contract, or that of the float twin, does not fit."""
    for other in ("mtcnn-onet.int8", "mtcnn-rnet.float32"):
        path = repo_root / "models" / "mtcnn" / f"{other}.tflite"
        foreign = read_contract(path.read_bytes(), other)
        written, _ = embed_contract(data, foreign, "file")
        with pytest.raises(ContractError, match=r"contract\s+says"):
            read_contract(written, "file")
    written, _ = embed_contract(data, contract, "file")
    assert read_contract(written, "file").name == "mtcnn-rnet"


INPUT = ("input",)
LOGIT = ("outputs", 0)

# Place in the contract, the value it is given, words of the message, note.
MISMATCHES: list[tuple[tuple[str | int, ...], object, str, str]] = [
    ((*INPUT, "name"), "picture", "'picture'", "renamed input"),
    ((*INPUT, "width"), 25, "(8, 24, 25, 3)", "another width"),
    ((*INPUT, "batch"), 1, "(1, 24, 24, 3)", "another batch"),
    ((*INPUT, "dtype"), "uint8", "uint8", "another type"),
    ((*INPUT, "scale"), 0.0079, "scale 0.0078125", "another scale"),
    ((*INPUT, "scale"), 0.0078125 * (1 + 3e-6), "scale 0.0078125", "a scale just off"),
    ((*INPUT, "zero_point"), 1, "zero point 0", "another zero point"),
    ((*LOGIT, "name"), "logits", "no output named 'logits', found", "renamed output"),
    ((*LOGIT, "size"), 3, "with 3 values", "another size"),
    ((*LOGIT, "dtype"), "int16", "int16", "another type"),
    ((*LOGIT, "scale"), 1.0, "the contract says 1 and", "another scale"),
    ((*LOGIT, "zero_point"), 77, "and 77", "another zero point"),
]


@pytest.mark.parametrize(("place", "value", "words", "note"), MISMATCHES)
def test_a_contract_that_does_not_describe_its_file(
    place: tuple[str | int, ...],
    value: object,
    words: str,
    note: str,
    data: bytes,
    contract: Contract,
    changed: Callable[..., dict[str, Any]],
) -> None:
    """With the right digest but a wrong field, the file is refused."""
    wrong = Contract.from_json(changed(contract.to_json(), place, value), "made up")
    written, _ = embed_contract(data, wrong, "file")
    with pytest.raises(ContractError) as caught:
        read_contract(written, "file")
    assert words in str(caught.value)


def test_a_scale_may_be_rounded_as_json_does(data: bytes, contract: Contract) -> None:
    """Seven digits of a float32 scale are the same scale."""
    output = contract.outputs[0]
    rounded = replace(output, scale=float(f"{output.scale:.7g}"))
    near = replace(contract, outputs=(rounded, *contract.outputs[1:]))
    assert read_contract(embed_contract(data, near, "file")[0], "file").outputs[0] == rounded


def test_a_file_without_a_contract(data: bytes) -> None:
    """It is refused with the command that writes one; its digest is that of its plain bytes."""
    bare = without_contract(data)
    with pytest.raises(ContractError, match=r"carries no contract.*faceage-convert --model"):
        read_contract(bare, "file")


def test_a_sidecar_serves_a_file_without_a_contract(data: bytes, contract: Contract) -> None:
    """As for an Edge TPU file, which loses its metadata; its digest is checked all the same."""
    bare = without_contract(data)
    beside = contract_bytes(seal(contract, model_digest(bare)))
    assert read_contract(bare, "file", sidecar=beside).name == "mtcnn-rnet"
    with pytest.raises(ContractError, match="about another file"):
        read_contract(bare, "file", sidecar=contract_bytes(contract))
    with pytest.raises(ContractError, match="not JSON"):
        read_contract(bare, "file", sidecar=b"")


def test_the_contract_inside_wins_over_the_sidecar(data: bytes) -> None:
    """A stale or foreign JSON file beside a model changes nothing."""
    assert read_contract(data, "file", sidecar=b"not even JSON").name == "mtcnn-rnet"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"", "empty"),
        (b"{", "cut short"),
        (b"\xff\xfe\x00", "no text in any encoding"),
        (b'{"format": 1,}', "a comma too many"),
        (b"[" * 200_000, "nested beyond reading"),
        (b'{"format": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested deeply"),
        (b'{"format": 1' + b"0" * 10_000 + b"}", "a number of ten thousand digits"),
        (b"null", "nothing"),
        (b'{"format": 1, "golden": {"tolerance": Infinity}}', "a word that Python alone reads"),
        (b'{"format": 1, "golden": {"tolerance": 1e999}}', "a number beyond any float"),
    ],
)
def test_contracts_that_are_not_json(text: bytes, note: str) -> None:
    """Bytes that are no contract are one error, whatever they are."""
    with pytest.raises(ContractError, match=r"^file"):
        parse_contract(text, "file")


def _edited(edit_model: Edit, data: bytes, change: Callable[[Any], None]) -> bytes:
    """The model edited, and its contract told the new digest: only the edit is wrong with it."""
    contract = read_contract(data, "file")
    edited = edit_model(data, change)
    start, length = place_of(edited)
    text = contract_bytes(seal(contract, model_digest(edited)))
    assert len(text) == length
    return edited[:start] + text + edited[start + length :]


def test_files_that_hold_more_than_a_face_model(edit_model: Edit, data: bytes) -> None:
    """A second graph, an unknown operator or a second input is refused despite its contract."""

    def second_graph(tree: Any) -> None:
        tree.subgraphs.append(deepcopy(tree.subgraphs[0]))

    def variable(tree: Any) -> None:
        tree.operatorCodes[0].builtinCode = 142  # VAR_HANDLE
        tree.operatorCodes[0].deprecatedBuiltinCode = 127

    def custom(tree: Any) -> None:
        tree.operatorCodes[0].builtinCode = tree.operatorCodes[0].deprecatedBuiltinCode = 32
        tree.operatorCodes[0].customCode = b"CONV_2D"

    def second_input(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.inputs = [*graph.inputs, *graph.outputs]

    for change, words in (
        (second_graph, "holds 2 graphs, expected one"),
        (variable, "uses builtin 142"),
        (custom, "uses custom 'CONV_2D'"),
        (second_input, "3 inputs, expected one"),
    ):
        with pytest.raises(ModelFileError, match=words):
            read_contract(_edited(edit_model, data, change), "file")
    assert read_contract(_edited(edit_model, data, lambda _: None), "file").name == "mtcnn-rnet"


def test_outputs_without_the_batch(edit_model: Edit, data: bytes) -> None:
    """An output that has not one row for each crop could not be told apart by crop."""

    def flat(tree: Any) -> None:
        graph = tree.subgraphs[0]
        for index in graph.outputs:
            graph.tensors[index].shape = [1, 8, *graph.tensors[index].shape[1:]]

    with pytest.raises(ContractError, match="for each of 8 crops"):
        read_contract(_edited(edit_model, data, flat), "file")


def test_a_scale_that_is_no_number(edit_model: Edit, data: bytes) -> None:
    """NaN in the file equals no scale of any contract."""

    def nan_scale(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.inputs[0]].quantization.scale = [float("nan")]

    with pytest.raises(ContractError, match="scale nan"):
        read_contract(_edited(edit_model, data, nan_scale), "file")


def test_contract_bytes_are_a_line_a_field(contract: Contract) -> None:
    """UTF-8 JSON that a person can read and compare line by line."""
    text = contract_bytes(replace(contract, licence="© Ève")).decode("utf-8")
    assert '"licence": "© Ève"' in text
    assert len(text.splitlines()) == len(contract.to_json()) + 2
    assert json.loads(text)["licence"] == "© Ève"
    with pytest.raises(ValueError, match="JSON"):
        contract_bytes(replace(contract, golden={"tolerance": float("nan")}))


def test_a_changed_bit_in_the_contract_is_noticed(data: bytes) -> None:
    """Every flipped bit of a sample over the contract's text is refused, whatever it would mean."""
    start, length = place_of(data)
    accepted = []
    for step in range(0, length * 8, 97):
        changed = bytearray(data)
        changed[start + step // 8] ^= 1 << step % 8
        try:
            read_contract(bytes(changed), "changed")
        except ContractError:
            continue
        accepted.append((step, chr(data[start + step // 8])))
    assert accepted == []
