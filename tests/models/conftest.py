"""What the tests of the float side share: Keras where installed, small models, one invoke."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[np.float32]
Invoke = Callable[[bytes, Array], dict[str, Array]]


@pytest.fixture
def keras() -> Any:
    """Keras on TensorFlow with a fixed seed; tests that need it skip without."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras

    keras = import_keras()
    keras.utils.set_random_seed(7)
    return keras


@pytest.fixture
def small_classifier(keras: Any) -> Any:
    """A Keras model that scales its own input and ends in a softmax over 101 ages."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(101, activation="softmax", name="ages"),
        ],
        name="small",
    )


@pytest.fixture
def small_weights(keras: Any) -> dict[str, Array]:
    """Random weights of a thin MobileNetV1 under the pilot's keys, statistics far from 0 and 1."""
    from faceage_models.mobilenet_v1 import age_mobilenet

    random = np.random.default_rng(3)
    weights = {}
    for layer in age_mobilenet(alpha=0.25, size=32).layers:
        for variable in layer.weights:
            value = np.asarray(variable, np.float32)
            if "moving" in variable.name:
                value = random.uniform(0.5, 1.5, value.shape).astype(np.float32)
            weights[f"{layer.name}|{variable.name}"] = value
    weights["dense|kernel"] = weights.pop("coral|kernel")
    weights["rank_bias|bias"] = weights.pop("coral|rank_bias")
    return weights


@pytest.fixture
def pilot_file(small_weights: dict[str, Array], tmp_path: Path) -> Path:
    """The small weights as an .npz file such as the pilot's."""
    path = tmp_path / "pilot.npz"
    np.savez(path, allow_pickle=False, **small_weights)
    return path


@pytest.fixture
def invoke() -> Invoke:
    """Return a function that runs .tflite bytes on one input: outputs by tensor name."""
    from faceage_edge.interpreter import open_interpreter

    def run(data: bytes, pixels: Array) -> dict[str, Array]:
        interpreter = open_interpreter(data, "test")
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
        interpreter.invoke()
        return {
            output["name"]: interpreter.get_tensor(output["index"])
            for output in interpreter.get_output_details()
        }

    return run


@pytest.fixture
def random_pixels() -> Callable[..., Array]:
    """Return a function that draws network inputs of a shape: (u8 - 128) / 128, float32."""
    random = np.random.default_rng(5)

    def draw(*shape: int) -> Array:
        return ((random.integers(0, 256, shape) - 128) / 128).astype(np.float32)

    return draw
