"""What a Keras age model answers to crops, by the quickest way there is for it here."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import UsageError
from faceage_models.age_inputs import INPUTS, Preprocessing, network_input
from faceage_models.keras_backend import training_keras
from faceage_models.quick_torch import Answers, quick_answers

__all__ = ["answers_of", "bytes_model", "keras_answers"]


def answers_of(
    model: Any, taken: Preprocessing = INPUTS["signed-128"], *, head_layers: int = 1
) -> Answers:
    """What tells a model's answers, in float32.

    It takes the weights as they are when it is asked, and leaves them: `training` is for measuring
    normalisations anew.

    Args:
        model: a Keras model.
        taken: how it takes a picture.
        head_layers: how many of the last layers are the head.
    """
    try:
        return quick_answers(model, taken, head_layers=head_layers)
    except UsageError:
        return keras_answers(bytes_model(model, taken))


def bytes_model(model: Any, taken: Preprocessing = INPUTS["signed-128"]) -> Any:
    """The same model for crops as bytes, uint8 (n, size, size, 3), RGB, which are a quarter of the
    floats to hand over; it makes of them what `taken` says. The layers are shared."""
    keras = training_keras()
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="bytes")
    real = network_input(keras, pixels, taken)
    return keras.Model(pixels, model(real), name=f"{model.name}_of_bytes")


def keras_answers(fed: Any) -> Answers:
    """What tells the answers of a model of `bytes_model`, by Keras alone."""
    ops = training_keras().ops

    def answers(crops: NDArray[np.uint8], *, training: bool = False) -> NDArray[np.float32]:
        if training:
            found = ops.convert_to_numpy(fed(ops.convert_to_tensor(crops), training=True))
        else:
            found = fed.predict_on_batch(crops)
        return np.asarray(found, np.float32)

    return answers
