"""The contract's JSON: what is read, what is written, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from faceage_edge import contract as contract_module
from faceage_edge.contract import (
    AGE_HEADS,
    CONTRACT_FORMAT,
    DTYPES,
    HEADS,
    TASKS,
    Contract,
)
from faceage_edge.embedded import contract_bytes, parse_contract
from faceage_edge.errors import ContractError

Document = dict[str, Any]
Path_ = tuple[str | int, ...]

SCHEMA = json.loads(
    Path(contract_module.__file__).with_name("contract.schema.json").read_text(encoding="utf-8")
)

# Golden file, place, new value (... removes it), words of the message, whether the schema says so
# too (it cannot compare one field with another), note.
BAD: list[tuple[str, Path_, object, str, bool, str]] = [
    ("age-coral", ("format",), ..., "'format' is missing", True, "no format"),
    ("age-coral", ("format",), 2, "contract format 2, this version reads 1", True, "a later one"),
    ("age-coral", ("format",), "1", "'format' is '1'", True, "a text"),
    ("age-coral", ("format",), [[[]]], "a whole number", True, "a nest of lists"),
    ("age-coral", ("task",), "gender", "one of age, face-detector", True, "unknown task"),
    ("age-coral", ("name",), "", "a text", True, "nameless"),
    ("age-coral", ("licence",), ..., "'licence' is missing", True, "no terms"),
    ("age-coral", ("licence",), 3, "a text", True, "terms that are a number"),
    ("age-coral", ("input",), ..., "'input' is missing", True, "no input"),
    ("age-coral", ("input",), [], "input: expected a JSON object", True, "a list for an object"),
    ("age-coral", ("input", "width"), 0, "from 1 to 8192", True, "no width"),
    ("age-coral", ("input", "width"), 8193, "from 1 to 8192", True, "wider than any model"),
    ("age-coral", ("input", "height"), 1.5, "a whole number", True, "half a pixel"),
    ("age-coral", ("input", "batch"), True, "a whole number", True, "true is not 1"),
    ("age-coral", ("input", "batch"), 1025, "from 1 to 1024", True, "a huge batch"),
    ("age-coral", ("input", "colour"), "rgb", "one of RGB, BGR", True, "small letters"),
    ("age-coral", ("input", "dtype"), "float16", "one of int8", True, "a type we do not run"),
    ("age-coral", ("input", "scale"), 0, "above 0", True, "no scale"),
    ("age-coral", ("input", "scale"), -0.5, "above 0", True, "a negative scale"),
    ("age-coral", ("input", "scale"), float("nan"), "a number above 0", False, "NaN"),
    ("age-coral", ("input", "scale"), float("inf"), "a number above 0", False, "infinite"),
    ("age-coral", ("input", "scale"), 10**400, "a number above 0", False, "beyond any float"),
    ("age-coral", ("input", "zero_point"), 40000, "from -32768 to 32768", True, "beyond int16"),
    ("age-coral", ("input", "zero_point"), 0.5, "a whole number", True, "between two quanta"),
    ("age-coral", ("input", "normalisation"), "unit", "a JSON object", True, "a name only"),
    ("age-coral", ("input", "normalisation", "kind"), "minmax", "one of affine", True, "unknown"),
    ("age-coral", ("input", "normalisation", "mean"), [1, 2], "3 numbers", True, "two channels"),
    ("age-coral", ("input", "normalisation", "std"), [1, 0, 1], "deviation of 0", True, "std 0"),
    ("age-coral", ("input", "normalisation", "std"), 128, "3 numbers", True, "one for all"),
    ("age-groups", ("input", "normalisation", "clip"), ..., "'clip' is missing", True, "no clip"),
    ("age-groups", ("input", "normalisation", "clip"), [4, -4], "a lower", False, "swapped"),
    ("age-coral", ("crop",), {}, "'kind' is missing", True, "no kind of crop"),
    ("age-coral", ("crop", "kind"), "oval", "one of template", True, "unknown crop"),
    ("age-coral", ("crop", "landmarks"), [[1, 2]] * 4, "5 pairs", True, "four landmarks"),
    ("age-coral", ("crop", "landmarks", 2), [1, "2"], "5 pairs", True, "a text among them"),
    ("age-coral", ("crop", "width"), -128, "from 1 to 8192", True, "a negative width"),
    ("age-distribution", ("crop", "margin"), ..., "'margin' is missing", True, "a box, no margin"),
    ("age-coral", ("outputs",), [], "a list of objects", True, "no outputs"),
    ("age-coral", ("outputs",), {"head": "coral"}, "a list of objects", True, "an object"),
    ("age-coral", ("outputs", 0), [1], "outputs[0]: expected a JSON", True, "a list for one"),
    ("age-coral", ("outputs", 0, "head"), "ranks", "one of coral", True, "unknown head"),
    ("age-coral", ("outputs", 0, "head"), "gender", "without an age output", True, "no age head"),
    ("age-coral", ("outputs", 0, "head"), "landmarks", "without an age", True, "a detector's head"),
    ("age-coral", ("outputs", 0, "size"), 0, "from 1 to", True, "an empty output"),
    (
        "age-coral",
        ("outputs", 0, "size"),
        5,
        "a list of 5 numbers",
        False,
        "biases of another size",
    ),
    ("age-coral", ("outputs", 0, "rank_bias"), "1", "a list of 4", True, "biases as a text"),
    ("age-coral", ("outputs", 0, "first_age"), -1, "from 0 to 200", True, "before birth"),
    ("age-regression", ("outputs", 0, "years_scale"), None, "a number", True, "null"),
    ("age-groups", ("outputs", 0, "bounds"), ..., "'bounds' is missing", True, "groups unbounded"),
    ("age-groups", ("outputs", 0, "bounds", 1), [7, 7], "ends before it begins", False, "empty"),
    ("age-groups", ("outputs", 0, "bounds"), [[0, 1]], "3 pairs", False, "fewer than outputs"),
    ("age-coral", ("interval", "coverage"), 1, "below 1", True, "all faces: no such interval"),
    ("age-coral", ("interval", "coverage"), 90, "below 1", True, "in percent"),
    ("age-coral", ("interval", "high"), -1.5, "above -1.5", False, "ends where it begins"),
    ("age-coral", ("interval", "floor"), 0, "above 0", True, "no floor"),
    ("age-coral", ("interval", "n"), 0, "from 1", True, "fitted on nobody"),
    ("age-coral", ("interval",), None, "interval: expected a JSON", True, "null is not left out"),
    ("age-regression", ("interval", "shape", "at"), [], "1 to 200", True, "a shape of nothing"),
    ("age-regression", ("interval", "shape", "at"), [9, 9], "do not ascend", False, "twice one"),
    ("age-regression", ("interval", "shape", "below"), [1], "a list of 2", False, "lengths differ"),
    ("age-regression", ("interval", "shape", "above"), [1, 0], "0 or less", True, "no reach"),
    ("age-regression", ("outputs", 0, "years_curve"), [[0, 0]], "2 to 200", True, "one point"),
    (
        "age-regression",
        ("outputs", 0, "years_curve"),
        [[0, 0], [50, 60], [60, 60]],
        "does not ascend",
        False,
        "a flat piece: two ages in, one out",
    ),
    ("age-regression", ("outputs", 1, "labels"), ["one"], "one for each", True, "of two values"),
    ("age-regression", ("outputs", 1, "labels"), ["a"] * 2, "no two alike", True, "one word twice"),
    ("age-regression", ("outputs", 1, "labels"), ["a", 2], "a list of texts", True, "a number"),
    ("age-regression", ("outputs", 1, "size"), 3, "of 3 values", False, "one without a label"),
    ("age-whole", ("outputs", 1, "size"), 2, "expected four: left, top", True, "a point"),
    ("age-closer", ("crop", "of"), "", "a text", True, "of no model"),
    ("age-coral", ("golden",), [], "golden: expected a JSON", True, "a list for an object"),
    ("age-coral", ("provenance",), "me", "provenance: expected", True, "a text for an object"),
    ("detector-proposal", ("detector",), ..., "lacks 'detector'", True, "a detector without one"),
    ("detector-proposal", ("detector", "stage"), "first", "one of proposal", True, "unknown stage"),
    ("detector-proposal", ("detector", "stride"), ..., "'stride' is missing", True, "no grid"),
    ("detector-proposal", ("detector", "cell"), 0, "from 1 to 512", True, "no window"),
    ("detector-refine", ("detector", "nms"), 0, "above 0", True, "suppress all that touch"),
    ("detector-refine", ("detector", "logit_threshold"), "0", "a number", True, "a text"),
]


def test_golden_files_read_and_write_alike(golden_files: list[Path]) -> None:
    """Reading a golden contract and writing it again gives its very bytes."""
    assert len(golden_files) == 11
    for path in golden_files:
        data = path.read_bytes()
        contract = parse_contract(data, path.name)
        assert contract.to_json() == json.loads(data), path.name
        assert contract_bytes(contract) == data, path.name
        assert Contract.from_json(contract.to_json(), path.name).to_json() == contract.to_json()


def test_golden_files_show_every_kind(golden_files: list[Path]) -> None:
    """Each task, head, data type, crop, normalisation and stage occurs in a golden file."""
    contracts = [parse_contract(path.read_bytes(), path.name) for path in golden_files]
    outputs = [output for contract in contracts for output in contract.outputs]
    types = {output.dtype for output in outputs} | {c.input.dtype for c in contracts}
    assert {contract.task for contract in contracts} == set(TASKS)
    assert {output.head for output in outputs} == set(HEADS)
    assert types == set(DTYPES)
    assert {contract.crop.kind for contract in contracts} == {"template", "box", "frame", "region"}
    assert {c.input.normalisation.kind for c in contracts} == {"affine", "standardise"}
    assert {c.input.colour for c in contracts} == {"RGB", "BGR"}
    stages = {c.detector.stage for c in contracts if c.detector}
    assert stages == {"proposal", "refine", "output", "anchors", "boxes"}


def test_a_golden_contract_by_hand(golden_contract: Callable[[str], Contract]) -> None:
    """Every field of one contract lands where its name says."""
    contract = golden_contract("age-coral")
    assert (contract.task, contract.name, contract.licence) == ("age", "coral-of-four", "CC0-1.0")
    assert (contract.scheme, contract.model_digest) == ("int8", "a" * 64)
    wanted = contract.input
    assert (wanted.name, wanted.batch, wanted.height, wanted.width) == ("input", 1, 128, 128)
    assert (wanted.colour, wanted.dtype, wanted.scale, wanted.zero_point) == (
        "RGB",
        "int8",
        1 / 128,
        0,
    )
    assert (wanted.normalisation.mean, wanted.normalisation.std) == ((128.0,) * 3, (128.0,) * 3)
    template = contract.crop.template
    assert template is not None
    assert (template.width, template.height) == (128, 128)
    assert template.points.dtype == np.float64
    assert template.points[2].tolist() == [62.5, 66.75]
    output = contract.output("coral")
    assert (output.size, output.first_age, output.rank_bias) == (4, 0, (1.5, 0.5, -0.5, -1.5))
    assert contract.interval is not None
    assert (contract.interval.low, contract.interval.high, contract.interval.n) == (-1.5, 1.25, 200)
    assert contract.detector is None
    assert contract.golden["tolerance"] == 1.0


def test_shipped_contracts_fit_schema_and_reader(repo_root: Path, golden_files: list[Path]) -> None:
    """Every shipped sidecar and golden file is valid and survives reading and writing."""
    shipped = [path.with_suffix(".json") for path in repo_root.glob("models/*/*.tflite")]
    assert len(shipped) >= 16
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for path in [*shipped, *golden_files]:
        data = path.read_bytes()
        assert [error.message for error in validator.iter_errors(json.loads(data))] == [], path
        assert contract_bytes(parse_contract(data, path.name)) == data, path


def test_the_schema_is_one() -> None:
    """The schema itself is valid, and its lists are those of the reader."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    parts = SCHEMA["$defs"]
    assert SCHEMA["properties"]["format"]["const"] == CONTRACT_FORMAT
    assert SCHEMA["properties"]["task"]["enum"] == list(TASKS)
    assert parts["output"]["properties"]["head"]["enum"] == list(HEADS)
    assert parts["dtype"]["enum"] == list(DTYPES)
    age_heads = SCHEMA["else"]["properties"]["outputs"]["contains"]["properties"]["head"]["enum"]
    assert age_heads == list(AGE_HEADS)


@pytest.mark.parametrize(("name", "place", "value", "words", "in_schema", "note"), BAD)
def test_bad_contracts(
    name: str,
    place: Path_,
    value: object,
    words: str,
    in_schema: bool,
    note: str,
    golden_document: Callable[[str], Document],
    changed: Callable[..., Document],
) -> None:
    """One wrong field is one clear message, and the schema refuses it too where it can."""
    document = changed(golden_document(name), place, value)
    with pytest.raises(ContractError) as caught:
        Contract.from_json(document, "file.tflite")
    message = str(caught.value)
    assert message.startswith("file.tflite")
    assert words in message
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document) is not in_schema


@pytest.mark.parametrize("document", [None, [], [{}], "contract", 3, True, {}])
def test_what_is_no_object(document: object) -> None:
    """JSON that is no contract at all is refused, not tripped over."""
    with pytest.raises(ContractError, match=r"^file"):
        Contract.from_json(document, "file")
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_every_required_field_is_required(
    golden_files: list[Path], changed: Callable[..., Document]
) -> None:
    """Removing any field that the schema requires makes the reader refuse, by name."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    removed = 0
    for path in golden_files:
        document = json.loads(path.read_bytes())
        for place in _fields(document):
            shorter = changed(document, place, ...)
            if validator.is_valid(shorter):
                continue
            removed += 1
            with pytest.raises(ContractError, match=f"'{place[-1]}'"):
                Contract.from_json(shorter, "file")
    assert removed > 150


def _fields(document: Document, skip: tuple[str, ...] = ("golden", "provenance")) -> list[Path_]:
    """Paths of all fields, also those within objects and lists of objects."""
    found: list[Path_] = []
    for key, value in document.items():
        found.append((key,))
        if key in skip:
            continue
        parts: dict[Path_, Document] = {(key,): value} if isinstance(value, dict) else {}
        if isinstance(value, list):
            parts = {(key, i): item for i, item in enumerate(value) if isinstance(item, dict)}
        found += [(*start, *rest) for start, part in parts.items() for rest in _fields(part)]
    return found


def test_unknown_fields_are_ignored(golden_document: Callable[[str], Document]) -> None:
    """A later writer may add fields; this reader and the schema look past them."""
    document = golden_document("age-coral")
    document["mood"] = {"head": 3}
    document["input"]["dpi"] = 300
    document["outputs"][0]["unit"] = "years"
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
    contract = Contract.from_json(document, "file")
    assert contract.to_json() == golden_document("age-coral")


def test_optional_parts_have_defaults(
    golden_document: Callable[[str], Document], changed: Callable[..., Document]
) -> None:
    """A contract written by hand may leave out what has an obvious value."""
    document = golden_document("age-coral")
    for name in ("interval", "golden", "provenance"):
        document = changed(document, (name,), ...)
    for name in ("first_age", "rank_bias"):
        document = changed(document, ("outputs", 0, name), ...)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
    contract = Contract.from_json(document, "file")
    assert (contract.interval, contract.golden, contract.provenance) == (None, {}, {})
    assert (contract.scheme, contract.model_digest) == ("unknown", "")
    assert (contract.outputs[0].first_age, contract.outputs[0].rank_bias) == (0, ())


def test_asking_for_a_head_it_has_not(golden_contract: Callable[[str], Contract]) -> None:
    """The message lists the heads that are there."""
    with pytest.raises(ContractError, match="no landmarks output, only: regression, gender"):
        golden_contract("age-regression").output("landmarks")
