"""A Keras file with its contract answers as the same network does in a .tflite."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.keras_model import open_keras
from faceage_benchmarks.opened import open_model
from faceage_edge.errors import ContractError, ModelFileError

# Keras 3.15 reads TensorFlow variables in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONTRACT = {
    "format": 1,
    "task": "age",
    "name": "tiny",
    "licence": "none",
    "input": {
        "name": "input",
        "batch": 1,
        "height": 8,
        "width": 8,
        "colour": "RGB",
        # Of the converted file; the Keras model takes the real numbers instead.
        "dtype": "int8",
        "scale": 0.0078125,
        "zero_point": 0,
        "normalisation": {"kind": "affine", "mean": [128.0] * 3, "std": [128.0] * 3},
    },
    "crop": {"kind": "template", "width": 8, "height": 8, "landmarks": [[1, 2]] * 5},
    "outputs": [
        {
            "name": "years",
            "head": "regression",
            "dtype": "int8",
            "scale": 0.5,
            "zero_point": 3,
            "size": 1,
            "years_scale": 1.0,
            "years_offset": 0.0,
        }
    ],
    "golden": {},
    "provenance": {"scheme": "int8", "model_digest": "7" * 64},
}


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras on TensorFlow."""
    from faceage_models.frameworks import import_keras

    return import_keras()


@pytest.fixture
def save(keras: Any, tmp_path: Path) -> Any:
    """Return what saves a network of 8 x 8 pixels that answers with the mean of the red channel."""

    def make(name: str = "tiny.keras", *, activation: str | None = None, outputs: int = 1) -> Path:
        picture = keras.Input((8, 8, 3))
        mean = keras.layers.GlobalAveragePooling2D()(picture)
        heads = [
            keras.layers.Dense(1, use_bias=False, activation=activation, name=f"years{i or ''}")
            for i in range(outputs)
        ]
        model = keras.Model(picture, [head(mean) for head in heads])
        for number, head in enumerate(heads):
            head.set_weights([np.array([[1.0 + number], [0], [0]], np.float32)])
        path = tmp_path / name
        model.save(path)
        path.with_suffix(".json").write_text(json.dumps(CONTRACT))
        return path

    return make


def test_pictures_reach_the_network_as_the_contract_says(save: Any) -> None:
    """BGR bytes become RGB real numbers: red 192 is (192 - 128) / 128 = 0.5."""
    contract, run, known = open_keras(save())
    pictures = np.zeros((3, 8, 8, 3), np.uint8)
    pictures[..., 2] = 192
    answer = run(pictures)
    assert list(answer) == ["years"]
    assert answer["years"].dtype == np.float32
    assert answer["years"][:, 0] == pytest.approx([0.5] * 3)
    assert (contract.input.dtype, known["scheme"]) == ("float32", "float32")


def test_identity_is_that_of_the_keras_file(save: Any) -> None:
    """Digest and scheme are the float file's, not those of what it was converted to."""
    path = save("tiny.h5")
    identity = open_model(str(path)).identity
    assert identity["digest"] != "7" * 64
    assert (identity["name"], identity["framework"]) == ("tiny", "keras on tensorflow")
    assert identity["bytes"] == path.stat().st_size


def test_contract_named_apart(save: Any, tmp_path: Path) -> None:
    """--contract wins over the neighbour, which may be missing; itself it may not be."""
    path = save()
    path.with_suffix(".json").rename(tmp_path / "other.json")
    assert open_keras(path, str(tmp_path / "other.json"))[0].name == "tiny"
    with pytest.raises(ContractError, match="--contract"):
        open_keras(path, str(tmp_path / "none.json"))


def test_without_a_contract_the_family_is_assumed(
    save: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `faceage-convert` does, aloud: red 192 is 192 / 127.5 - 1 then, and years."""
    path = save("mine.keras")
    path.with_suffix(".json").unlink()
    contract, run, known = open_keras(path)
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    pictures[..., 2] = 192
    answer = next(iter(run(pictures).values()))
    assert answer.reshape(2) == pytest.approx([192 / 127.5 - 1] * 2, abs=1e-5)
    assert (contract.name, contract.outputs[0].head) == ("mine", "regression")
    assert any("--normalise" in what for what in known["assumed"])
    assert capsys.readouterr().err.count("assumed of") == len(known["assumed"])


def test_probabilities_are_refused(save: Any) -> None:
    """A contract's outputs are logits; a network that squashes them does not fit it."""
    with pytest.raises(ContractError, match="sigmoid"):
        open_keras(save(activation="sigmoid"))


def test_several_unnamed_outputs_are_refused(save: Any) -> None:
    """Which of two outputs is the age cannot be told."""
    _, run, _ = open_keras(save(outputs=2))
    with pytest.raises(ContractError, match="2 unnamed outputs"):
        run(np.zeros((1, 8, 8, 3), np.uint8))


WRONG = [
    # what the contract says instead, part of the message, note
    ({"input": CONTRACT["input"] | {"height": 16}}, "16", "another size"),  # type: ignore[operator]
    ({"outputs": [CONTRACT["outputs"][0] | {"size": 9}]}, "9", "another head"),  # type: ignore[index]
]


@pytest.mark.parametrize(("change", "message", "note"), WRONG)
def test_contract_of_another_model(
    save: Any, change: dict[str, Any], message: str, note: str
) -> None:
    """A contract that does not fit the network is refused before anything is measured."""
    path = save()
    path.with_suffix(".json").write_text(json.dumps(CONTRACT | change))
    with pytest.raises(ContractError) as caught:
        open_keras(path)
    assert message in str(caught.value), note


def test_no_keras_file(tmp_path: Path) -> None:
    """Junk with a contract is still junk."""
    (tmp_path / "junk.json").write_text(json.dumps(CONTRACT))
    (tmp_path / "junk.keras").write_text("junk")
    with pytest.raises(ModelFileError):
        open_keras(tmp_path / "junk.keras")
