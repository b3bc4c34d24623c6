"""Functions of published models that stand in files as code, and are not run."""

import base64
import json
import marshal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_models.frameworks import import_tensorflow
from faceage_models.keras_file import float_tflite
from faceage_models.known_layers import custom_objects, known_config

PATH = Path("facenet.h5")


def scaling(x: Any, scale: float) -> Any:
    """As FaceNet's Keras models scale a residual."""
    return x * scale


def scaled_sum(inputs: Any, scale: float) -> Any:
    """As keras.applications once did."""
    return inputs[0] + inputs[1] * scale


def other(x: Any, scale: float) -> Any:
    """One letter else."""
    return x + scale


def lambda_config(code: str, **arguments: Any) -> str:
    """A model's JSON of one Lambda layer in a nested model."""
    own = {"name": "scaled", "function": [code, None, None], "arguments": arguments}
    inner = {"class_name": "Model", "config": {"layers": [{"class_name": "Lambda", "config": own}]}}
    return json.dumps({"class_name": "Model", "config": {"layers": [inner]}})


def dumped(function: Callable[..., Any]) -> str:
    """The code of a function without its docstring, as Keras writes it."""
    code = compile(f"def f(x, scale):\n return {BODIES[function]}", "any", "exec").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


BODIES: dict[Callable[..., Any], str] = {
    scaling: "x * scale",
    scaled_sum: "x[0] + x[1] * scale",
    other: "x + scale",
}


def layer_of(config: str) -> dict[str, Any]:
    """The one layer of a rewritten configuration."""
    (inner,) = json.loads(config)["config"]["layers"]
    (layer,) = inner["config"]["layers"]
    return dict(layer)


def old_code(hexadecimal: str, numbers: int) -> str:
    """What an older Python marshals, as far as it is read: a head, the byte code, a rest."""
    code = bytes.fromhex(hexadecimal)
    head = b"\xe3" + bytes(4 * numbers) + b"s" + len(code).to_bytes(4, "little")
    return base64.b64encode(head + code + b"rest").decode()


def is_known_here() -> bool:
    """Whether this Python's byte code is in the table: 3.11 and 3.12 are."""
    import sys

    return sys.version_info < (3, 13)


@pytest.mark.skipif(not is_known_here(), reason="files were written by Python 3.12 at the latest")
def test_scalings_become_layers() -> None:
    """In nested models too, with their scale."""
    text, changed = known_config(lambda_config(dumped(scaling), scale=0.17), PATH)
    layer = layer_of(text)
    assert changed and layer["class_name"] == "Rescaling"
    assert layer["config"] == {"name": "scaled", "trainable": True, "scale": 0.17, "offset": 0.0}
    text, _ = known_config(lambda_config(dumped(scaled_sum), scale=0.2), PATH)
    assert (layer_of(text)["class_name"], layer_of(text)["config"]["scale"]) == ("ScaledSum", 0.2)


OLDER = [
    ("7c00007c01001453", 5, "CPython 3.5"),
    ("7c007c0114005300", 5, "3.6 and 3.7"),
    ("7c007c0114005300", 6, "3.8 to 3.10: one number more"),
]


@pytest.mark.parametrize(("code", "numbers", "note"), OLDER, ids=[case[2] for case in OLDER])
def test_code_of_older_pythons(code: str, numbers: int, note: str) -> None:
    """Its bytes stand at another place, and nothing of it is unmarshalled."""
    text, _ = known_config(lambda_config(old_code(code, numbers), scale=1.0), PATH)
    assert layer_of(text)["class_name"] == "Rescaling", note


REFUSED = [
    (dumped(other), {"scale": 0.1}, "another function"),
    (dumped(scaling), {}, "without its scale"),
    (dumped(scaling), {"scale": 0.1, "more": 1}, "with more than it takes"),
    ("", {"scale": 0.1}, "no code"),
    ("not base64 at all", {"scale": 0.1}, "no code either"),
    (base64.b64encode(b"\xe3short").decode(), {"scale": 0.1}, "cut short"),
]


@pytest.mark.parametrize(("code", "arguments", "note"), REFUSED, ids=[case[2] for case in REFUSED])
def test_other_code_is_refused(code: str, arguments: dict[str, Any], note: str) -> None:
    """The layer is named, and what is known."""
    with pytest.raises(
        ModelFileError, match=r"Lambda layer, 'scaled'.*code from a file is not run"
    ):
        known_config(lambda_config(code, **arguments), PATH)
    assert note


def test_stages_of_ssr_net(keras: Any) -> None:
    """Equation 4 of the paper, written out with quotients."""
    import_tensorflow()
    layer = custom_objects(keras)["StagewiseAge"](stages=[3, 3, 3], local=1.0, width=1.0, most=101)
    random = np.random.default_rng(0)
    shares = [random.uniform(0, 1, (5, 3)).astype(np.float32) for _ in range(3)]
    widths = [random.uniform(-0.4, 0.4, (5, 1)).astype(np.float32) for _ in range(3)]
    shifts = [random.uniform(-0.5, 0.5, (5, 3)).astype(np.float32) for _ in range(3)]
    expected, divisor = np.zeros((5, 1)), np.ones((5, 1))
    for share, width, shift in zip(shares, widths, shifts, strict=True):
        divisor = divisor * 3 * (1 + width)
        expected += ((np.arange(3) + shift) * share).sum(axis=1, keepdims=True) / divisor
    found = np.asarray(layer([*shares, *widths, *shifts]))
    np.testing.assert_allclose(found, expected * 101, rtol=1e-4)


def test_linear_1_bias_becomes_a_dense_layer(tmp_path: Path, invoke: Any) -> None:
    """A Keras 2 `.h5` of CORAL's authors: one operation gives the ranks, and the same answers."""
    tf_keras = pytest.importorskip("tf_keras", reason="needs tf_keras: pip install '.[train]'")
    bias = custom_objects(tf_keras)["Linear_1_bias"]
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, use_bias=False, name="shared"),
            bias(num_classes=6, name="ranks_alone"),
            layers.Activation("sigmoid", name="probabilities"),
        ]
    )
    model.layers[-2].set_weights([np.linspace(2, -2, 5)])
    with pytest.warns(UserWarning, match="saving your model as an HDF5 file"):
        model.save(tmp_path / "coral.h5")
    read = float_tflite(tmp_path / "coral.h5")
    assert read.difference is not None and read.difference < 1e-5
    pixels = np.random.default_rng(1).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
    (answer,) = invoke(read.data, pixels).values()
    np.testing.assert_allclose(answer, np.asarray(model(pixels)), atol=1e-5)
    from faceage_models.tflite_graph import operator_names

    assert operator_names(read.data).count("FULLY_CONNECTED") == 1
    assert "ADD" not in operator_names(read.data)
