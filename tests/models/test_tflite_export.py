"""Keras to float .tflite: the same numbers, plain operations, names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.coral import fuse_head
from faceage_models.mtcnn_networks import onet, pnet, rnet
from faceage_models.tflite_export import to_tflite
from faceage_models.tflite_graph import operator_names

_DETECTOR = {"CONV_2D", "DEPTHWISE_CONV_2D", "MAXIMUM", "MAX_POOL_2D"}
_AGE = {"CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED"}


def _age() -> Any:
    return fuse_head(age_model("mobilenet-v1", HEADS["coral"], alpha=0.25, size=32))


@pytest.mark.parametrize(
    ("build", "operations", "outputs"),
    [
        (_age, _AGE, {"ranks": (1, 100)}),
        (
            lambda: pnet(height=40, width=52),
            _DETECTOR,
            {"box": (1, 15, 21, 4), "face_logit": (1, 15, 21, 1)},
        ),
        (rnet, _DETECTOR, {"box": (8, 1, 1, 4), "face_logit": (8, 1, 1, 1)}),
        (
            onet,
            _DETECTOR,
            {"box": (1, 1, 1, 4), "face_logit": (1, 1, 1, 1), "landmarks": (1, 1, 1, 10)},
        ),
    ],
    ids=["age", "pnet", "rnet", "onet"],
)
def test_our_models_export(
    keras: Any,
    invoke: Callable[..., dict[str, Any]],
    random_pixels: Callable[..., Any],
    build: Callable[[], Any],
    operations: set[str],
    outputs: dict[str, tuple[int, ...]],
) -> None:
    """Only the operations that int8 runs fast, fixed shapes, our names, the model's numbers."""
    if operations is _DETECTOR:
        pytest.importorskip("mtcnn")
    model = build()
    data = to_tflite(model)
    graph = read_model_file(data, "test")
    assert set(operator_names(data)) == operations
    assert [tensor.name for tensor in graph.inputs] == ["input"]
    assert {tensor.name: tensor.shape for tensor in graph.outputs} == outputs
    pixels = random_pixels(*graph.inputs[0].shape)
    expected = model(pixels)
    expected = expected if isinstance(expected, dict) else {"ranks": expected}
    for name, value in invoke(data, pixels).items():
        # Sums in another order; logits reach some tens.
        np.testing.assert_allclose(value, np.asarray(expected[name]), rtol=1e-5, atol=2e-5)


def test_same_model_same_bytes(small_classifier: Any) -> None:
    """Exporting is deterministic, so a digest says which weights a file holds."""
    assert to_tflite(small_classifier) == to_tflite(small_classifier)


def test_batch_is_fixed(small_classifier: Any) -> None:
    """An open batch becomes 1, or what is asked for."""
    assert [
        read_model_file(to_tflite(small_classifier, batch=batch), "test").inputs[0].shape[0]
        for batch in (None, 3)
    ] == [1, 3]


def test_several_outputs_keep_their_names(
    keras: Any, invoke: Callable[..., dict[str, Any]]
) -> None:
    """Outputs of one shape are told apart by the layers that make them, whatever their order."""
    pixels = keras.Input((8, 8, 3))
    layers = keras.layers
    pooled = layers.GlobalAveragePooling2D()(pixels)
    ones = layers.Dense(2, kernel_initializer="ones", name="zeta")(pooled)
    zeros = layers.Dense(2, kernel_initializer="zeros", name="alpha")(pooled)
    data = to_tflite(keras.Model(pixels, [ones, zeros]))
    found = invoke(data, np.ones((1, 8, 8, 3), np.float32))
    assert {name: value.tolist() for name, value in found.items()} == {
        "zeta": [[3.0, 3.0]],
        "alpha": [[0.0, 0.0]],
    }


def _two_inputs(keras: Any) -> Any:
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    return keras.Model(inputs, keras.layers.Add()(inputs))


def _open_size(keras: Any) -> Any:
    return keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()])


def _vector(keras: Any) -> Any:
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (_two_inputs, "has 2 inputs, expected one picture"),
        (_open_size, "expected .batch, height, width, channels. with numbers"),
        (_vector, "expected .batch, height, width, channels."),
    ],
    ids=["two inputs", "open size", "no picture"],
)
def test_refuses_what_is_not_one_picture(
    keras: Any, build: Callable[[Any], Any], message: str
) -> None:
    """A model that does not take one picture of a fixed size is refused by shape."""
    with pytest.raises(ModelFileError, match=message):
        to_tflite(build(keras))


def test_unconvertible_operation_is_one_message(keras: Any) -> None:
    """What needs TensorFlow's own operations cannot run on a device; the reason is passed on."""
    tf = pytest.importorskip("tensorflow")

    class Fourier(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return tf.math.real(tf.signal.fft3d(tf.cast(x, tf.complex64)))

    model = keras.Sequential([keras.Input((8, 8, 3)), Fourier()], name="odd")
    with pytest.raises(ModelFileError, match=r"cannot write the model 'odd' as \.tflite"):
        to_tflite(model)
