"""The allow-list of operators, against TensorFlow Lite's own numbering."""

from pathlib import Path

import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, Operator, read_model_file
from faceage_edge.operators import OPERATOR_NAMES, operator_names, refuse_unknown

# Operators that would let a file do more than turn a picture into numbers.
FORBIDDEN = ("IF", "WHILE", "CALL", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "HASHTABLE")


def model(*operators: tuple[int, str], subgraphs: int = 1) -> ModelFile:
    """A model of nothing but operators, given by code and custom name."""
    made = tuple(Operator(code, custom, 1, (), ()) for code, custom in operators)
    return ModelFile((), (), (), made, {}, subgraphs)


def test_numbers_and_names_are_the_schemas() -> None:
    """Each number on the list has the name that TensorFlow Lite gives it."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    for code, name in OPERATOR_NAMES.items():
        assert getattr(BuiltinOperator, name) == code
    codes = {getattr(BuiltinOperator, name) for name in FORBIDDEN}
    assert not codes & set(OPERATOR_NAMES)


@pytest.mark.parametrize(
    ("code", "custom", "name", "allowed", "note"),
    [
        (3, "", "CONV_2D", True, "an ordinary one"),
        (32, "edgetpu-custom-op", "edgetpu-custom-op", True, "what the Edge TPU compiler writes"),
        (
            32,
            "TFLite_Detection_PostProcess",
            "TFLite_Detection_PostProcess",
            True,
            "SSD's last one",
        ),
        (32, "TFLite_Detection", "custom 'TFLite_Detection'", False, "a custom one like it"),
        (32, "CONV_2D", "custom 'CONV_2D'", False, "a custom one under a known name"),
        (32, "", "custom ''", False, "a custom one without a name"),
        (3, "evil", "CONV_2D", True, "a custom name means nothing beside a builtin code"),
        (119, "", "builtin 119", False, "WHILE"),
        (142, "", "builtin 142", False, "VAR_HANDLE"),
        (-5, "", "builtin -5", False, "no operator at all"),
    ],
)
def test_names_and_verdicts(code: int, custom: str, name: str, allowed: bool, note: str) -> None:
    """An operator is on the list by its number, never by a name that the file gives it."""
    found = model((3, ""), (code, custom))
    assert operator_names(found) == ("CONV_2D", name)
    if allowed:
        refuse_unknown(found, "file")
    else:
        with pytest.raises(ModelFileError, match=r"file uses .* convert the model"):
            refuse_unknown(found, "file")


@pytest.mark.parametrize("graphs", [0, 2, 40])
def test_one_graph_only(graphs: int) -> None:
    """Further graphs serve control flow, which no face model needs."""
    with pytest.raises(ModelFileError, match=f"file holds {graphs} graphs, expected one"):
        refuse_unknown(model((3, ""), subgraphs=graphs), "file")


def test_each_unknown_operator_is_named_once() -> None:
    """The message lists what is unknown in a stable order."""
    with pytest.raises(ModelFileError, match=r"file uses builtin 119, custom 'a', which"):
        refuse_unknown(model((32, "a"), (119, ""), (3, ""), (32, "a")), "file")


def test_shipped_models_use_few_operators(repo_root: Path) -> None:
    """No PRELU, which is slow in int8, and no probabilities, which int8 would round."""
    convolutions = {"CONV_2D", "DEPTHWISE_CONV_2D"}
    cascade = convolutions | {"MAXIMUM", "MAX_POOL_2D", "QUANTIZE"}
    expected = {
        "age": convolutions | {"MEAN", "FULLY_CONNECTED"},
        "face-finder-finder": convolutions | {"PAD", "ADD", "CONCATENATION", "RESHAPE"},
        "face-finder-aligner": cascade | {"RESHAPE"},
        "mtcnn": cascade,
    }
    for path in repo_root.glob("models/*/*.tflite"):
        found = read_model_file(path.read_bytes(), path.name)
        refuse_unknown(found, path.name)
        (allowed,) = (some for name, some in expected.items() if path.name.startswith(name))
        assert set(operator_names(found)) <= allowed, path.name


def test_third_party_models(shared_data: Path) -> None:
    """Models from elsewhere are read; one that computes its own shapes is refused by number."""
    models = {path.stem: path for path in (shared_data / "third_party").glob("*/*.tflite")}
    assert len(models) == 7
    refused = models.pop("rfb_320")
    for name, path in models.items():
        refuse_unknown(read_model_file(path.read_bytes(), name), name)
    with pytest.raises(ModelFileError, match="uses builtin 77, which"):
        refuse_unknown(read_model_file(refused.read_bytes(), "rfb"), "rfb")
