"""The aligner: a square of 48 pixels in; is it a face, its box, its five landmarks out.

It does what MTCNN's O-Net does, with ReLU instead of PReLU, batch normalisation that the exporter
merges, wide layers instead of thin ones, and labels that do not move with the square it is given
(`aligner_teacher`).
"""

from pathlib import Path
from typing import Any

from faceage_models.convolution import convolution
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import load_layer_weights

__all__ = ["ALIGNER_SIDE", "aligner_network", "load_aligner"]

ALIGNER_SIDE = 48
_STEM = 32
# (channels, stride) of the 3x3 convolutions behind the stem's 24 x 24 cells: 12 x 12, 6 x 6 and
# 3 x 3 cells.
_BODY = ((48, 2), (64, 1), (64, 2), (64, 1), (96, 2))
_DENSE = 128
_POINTS = 5


def aligner_network() -> Any:
    """Build the aligner with random weights.

    Returns:
        A functional Keras model: input "input" `(n, 48, 48, 3)` float32, BGR, (u8 - 128) / 128;
        outputs a dict of `face_logit` `(n, 1, 1, 1)`; `box` `(n, 1, 1, 4)`, shift of left, top,
        right and bottom edge as shares of the square's side; `landmarks` `(n, 1, 1, 10)`, five x
        then five y as shares of the side from the left and top edge, in the order of
        `FrameLandmarks`.

    Raises:
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    keras = training_keras()
    layers = keras.layers
    pixels = keras.Input((ALIGNER_SIDE, ALIGNER_SIDE, 3), name="input")
    x = convolution(layers, pixels, _STEM, 3, 2, "stem")
    for index, (channels, stride) in enumerate(_BODY):
        x = convolution(layers, x, channels, 3, stride, f"body{index}")
    x = convolution(layers, x, _DENSE, 3, 1, "dense", padding="valid")
    middle = keras.initializers.Constant(0.5)
    outputs = {
        "face_logit": layers.Conv2D(1, 1, name="face_logit")(x),
        "box": layers.Conv2D(4, 1, name="box")(x),
        "landmarks": layers.Conv2D(2 * _POINTS, 1, bias_initializer=middle, name="landmarks")(x),
    }
    return keras.Model(pixels, outputs, name="aligner")


def load_aligner(weights: Path) -> Any:
    """Build the aligner with trained weights.

    Args:
        weights: .npz of `layer|weight` arrays, as the trainer writes it.

    Raises:
        ModelFileError: the file is missing, damaged, or of another network.
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    model = aligner_network()
    load_layer_weights(model, weights)
    return model
