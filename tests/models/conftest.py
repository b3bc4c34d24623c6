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
def trained_file(keras: Any, tmp_path: Path) -> Path:
    """A thin age model as `faceage-train` leaves it, its ranks' biases apart."""
    from faceage_models.age_backbones import age_model
    from faceage_models.age_heads import HEADS
    from faceage_models.age_run_files import save_model

    model = age_model("mobilenet-v1", HEADS["coral"], alpha=0.25, size=32)
    HEADS["coral"].begin(model, np.tile(np.arange(1.0, 90)[:, None], 2))
    save_model(model, tmp_path / "age-tiny.keras")
    return tmp_path / "age-tiny.keras"


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
