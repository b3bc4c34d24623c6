"""A float model's contract: carried, stated beside it, or assumed with every assumption listed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ContractError, FaceageError, UsageError
from faceage_models.age_inputs import INPUTS
from faceage_models.float_source import SHIPPED_AGE, FloatSource, shipped_float
from faceage_models.specification import Hints, describe_float

MINE = Path("mine.tflite")
STATED: dict[str, Any] = {
    "input": {
        "colour": "BGR",
        "normalisation": {"kind": "affine", "mean": [104, 117, 123], "std": [1, 1, 1]},
    },
    "outputs": [{"head": "coral", "first_age": 10}],
}


@pytest.fixture
def describe(bare_float: bytes) -> Callable[..., FloatSource]:
    """Return a function that describes the bare float model by hints."""

    def run(*, name: str | None = None, rescaling: bool = False, **hints: Any) -> FloatSource:
        return describe_float(bare_float, MINE, Hints(**hints), name=name, rescaling=rescaling)

    return run


def test_assumptions_are_listed(describe: Callable[..., FloatSource]) -> None:
    """A model of which nothing is known is read as one of the family, and the report says so."""
    source = describe()
    assert [line.rsplit("(", 1)[-1] for line in source.assumed] == [
        "--head)", "--normalise)", "--colour)", "--contract)"
    ]  # fmt: skip
    contract = source.contract
    assert (contract.task, contract.name, contract.licence) == ("age", "mine", "not stated")
    assert contract.outputs[0].head == "coral"
    assert contract.input.normalisation.mean == (127.5,) * 3
    assert contract.model_digest == ""


def test_what_is_said_is_not_assumed(describe: Callable[..., FloatSource]) -> None:
    """Options take the place of assumptions."""
    source = describe(head="coral", normalise="unit", colour="BGR")
    assert len(source.assumed) == 1
    wanted = source.contract.input
    assert (wanted.colour, wanted.normalisation.mean, wanted.normalisation.std) == (
        "BGR", (0.0,) * 3, (255.0,) * 3
    )  # fmt: skip


def test_model_that_rescales_takes_bytes(describe: Callable[..., FloatSource]) -> None:
    """Scaling twice would leave a model nothing to see."""
    source = describe(rescaling=True)
    assert source.contract.input.normalisation.std == (1.0,) * 3
    assert "input normalisation bytes (--normalise)" in source.assumed
    assert describe(rescaling=True, normalise="unit").contract.input.normalisation.std[0] == 255


NORMALISED = {
    "signed-128": (-1, 127 / 128),
    "signed": (-1, 1),
    "unit": (0, 1),
    "bytes": (0, 255),
    "imagenet": (-0.485 / 0.229, (1 - 0.485) / 0.229),
    "caffe": (-103.939, 255 - 103.939),
}


@pytest.mark.parametrize("kind", NORMALISED)
def test_normalisations_map_bytes_onto_their_range(kind: str) -> None:
    """The words mean the published scalings, here of the first channel."""
    rule = INPUTS[kind].normalisation
    ends = [(byte - rule.mean[0]) / rule.std[0] for byte in (0, 255)]
    assert ends == pytest.approx(NORMALISED[kind])
    assert NORMALISED.keys() | {"standardise"} == INPUTS.keys()


def test_an_order_of_channels_turns_their_numbers() -> None:
    """Caffe's blue mean stays blue's where the network takes RGB."""
    assert INPUTS["caffe"].in_order("RGB").mean == (123.68, 116.779, 103.939)
    assert INPUTS["caffe"].in_order("BGR").mean == (103.939, 116.779, 123.68)


def test_crop_in_another_size(bare_float: bytes, edited: Callable[..., bytes]) -> None:
    """The shipped template scales with the input, without being stretched."""

    def widen(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[int(graph.inputs[0])].shape = np.array([1, 64, 96, 3], np.int32)

    source = describe_float(edited(bare_float, widen), MINE, Hints())
    template, shipped = (
        contract.crop.template
        for contract in (source.contract, shipped_float(SHIPPED_AGE).contract)
    )
    assert template is not None
    assert shipped is not None
    assert (template.width, template.height) == (96, 64)
    # 64 of 128 pixels, with 16 more on either side; pixel centres lie at integers.
    expected = (shipped.points + 0.5) / 2 - 0.5 + np.array([16, 0])
    assert template.points == pytest.approx(expected, abs=1e-3)


def test_carried_contract_counts(age_float_bytes: bytes) -> None:
    """A file that carries its contract needs no hints, and nothing is assumed."""
    source = describe_float(age_float_bytes, MINE, Hints())
    assert source.contract.to_json() == shipped_float(SHIPPED_AGE).contract.to_json()
    assert (source.data, source.assumed) == (age_float_bytes, ())


def test_carried_contract_under_another_name(age_float_bytes: bytes) -> None:
    """A new name makes a new contract, which is yet to be embedded."""
    contract = describe_float(age_float_bytes, MINE, Hints(), name="other").contract
    assert (contract.name, contract.model_digest) == ("other", "")


def test_hints_may_not_contradict_a_carried_contract(age_float_bytes: bytes) -> None:
    """Options that would be ignored are refused."""
    with pytest.raises(UsageError, match="its own contract, which --head and --colour would"):
        describe_float(age_float_bytes, MINE, Hints(head="coral", colour="BGR"))


def test_detector_is_no_age_model(shipped: Any) -> None:
    """A network of the detector is refused as a user's model."""
    data = (shipped.mtcnn / "mtcnn-onet.float32.tflite").read_bytes()
    with pytest.raises(ContractError, match="a face-detector model, expected an age model"):
        describe_float(data, MINE, Hints())


def test_stated_contract(
    describe: Callable[..., FloatSource], write_json: Callable[..., Path]
) -> None:
    """What the file tells is filled in; what is stated holds; facts of other files are dropped."""
    more = {
        "name": "theirs",
        "licence": "CC0",
        "interval": {"coverage": 0.9, "low": -1, "high": 1, "floor": 1, "n": 5},
        "provenance": {"model_digest": "ab" * 32, "scheme": "int8"},
    }
    source = describe(contract=write_json({**STATED, **more}))
    contract = source.contract
    assert (contract.name, contract.licence) == ("theirs", "CC0")
    assert (contract.input.name, contract.input.height, contract.input.dtype) == (
        "input", 128, "float32"
    )  # fmt: skip
    assert contract.input.normalisation.mean == (104.0, 117.0, 123.0)
    assert (contract.outputs[0].name, contract.outputs[0].first_age) == ("ranks", 10)
    assert contract.interval is None
    assert contract.golden == {}
    assert contract.provenance == {"scheme": "float32"}
    assert [line for line in source.assumed if "template" in line] != []


def test_sidecar_of_the_int8_file_describes_its_float_model(
    describe: Callable[..., FloatSource], shipped: Any
) -> None:
    """A copied contract's quantization is not taken for the float model's."""
    contract = describe(contract=shipped.age_int8.with_suffix(".json")).contract
    known = shipped_float(SHIPPED_AGE).contract
    assert contract.outputs == known.outputs
    assert contract.input == known.input


def _with(**changes: Any) -> dict[str, Any]:
    return {**STATED, **changes}


BAD_CONTRACTS: list[tuple[Any, str, str]] = [
    ([], r"expected a JSON object, found \[\]", "a list"),
    (_with(input=None), "input: expected a JSON object, found null", "no input"),
    (_with(input={}), "the field 'colour' is missing", "an empty input"),
    (
        _with(input={**STATED["input"], "height": 224}),
        "an input height of 224, but the model takes 128",
        "another size",
    ),
    (_with(outputs=[]), 'expected "outputs" to list', "no outputs"),
    (_with(outputs="coral"), 'expected "outputs" to list', "a word for outputs"),
    (_with(outputs=["coral"]), r"outputs\[0\]: expected a JSON object", "a word for an output"),
    (_with(outputs=[{"name": "x"}]), "an output 'x'; the model has 'ranks' with 100", "a name"),
    (_with(outputs=[{"head": "x"}]), "head", "an unknown head"),
    (
        _with(outputs=[{"head": "coral", "size": 70}]),
        "'ranks' has 70 values, but the model gives 100",
        "another number of ranks",
    ),
    (_with(task="face-detector"), "detector", "a detector's"),
    (_with(format=99), "contract format 99", "of the future"),
    (_with(outputs=[{"head": "groups", "bounds": [[0, 2]]}]), "bounds", "too few age groups"),
]


@pytest.mark.parametrize(
    ("document", "message", "note"), BAD_CONTRACTS, ids=[case[2] for case in BAD_CONTRACTS]
)
def test_bad_contracts(
    describe: Callable[..., FloatSource],
    write_json: Callable[..., Path],
    document: Any,
    message: str,
    note: str,
) -> None:
    """The message names the contract's file and what is wrong in it."""
    path = write_json(document)
    with pytest.raises(ContractError, match=message) as caught:
        describe(contract=path)
    assert str(path) in str(caught.value)


UNREADABLE = [
    (lambda path: path.write_text("{"), "is no contract: it is not JSON"),
    (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no contract: it is not JSON"),
    (lambda path: path.write_text("[" * 100_000), "is no contract: it is not JSON"),
    (lambda path: path.mkdir(), "cannot read the contract .*: Is a directory"),
    (lambda path: None, "cannot read the contract .*: No such file"),
]


@pytest.mark.parametrize(("make", "message"), UNREADABLE)
def test_unreadable_contracts(
    describe: Callable[..., FloatSource],
    tmp_path: Path,
    make: Callable[[Path], object],
    message: str,
) -> None:
    """A contract that cannot be read or parsed is refused by name."""
    make(tmp_path / "c.json")
    with pytest.raises(FaceageError, match=message):
        describe(contract=tmp_path / "c.json")


def test_contract_and_options_are_not_mixed(
    describe: Callable[..., FloatSource], write_json: Callable[..., Path]
) -> None:
    """Two sources for one fact are one too many."""
    with pytest.raises(UsageError, match="--contract and --colour: a contract states all of it"):
        describe(contract=write_json(STATED), colour="RGB")
