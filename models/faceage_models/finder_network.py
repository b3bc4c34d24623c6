"""The finder: one single-shot, anchor-free network that says where faces are in a whole frame.

Plain 3x3 convolutions of few, wide layers and ReLU only: on processors without 8-bit matrix units
a thin or depthwise layer spends its instructions on moving data. The stem takes four by four
pixels at once, so that nothing is computed at full or half resolution. Every cell of three grids
says whether it is in the middle of a face and how far the four edges of that face are from the
cell's centre, as FCOS does (Tian et al., arXiv:1904.01355).
"""

from pathlib import Path
from typing import Any

from faceage_models.convolution import convolution
from faceage_models.frameworks import import_keras
from faceage_models.layer_weights import load_layer_weights

__all__ = ["FINDER_SIZE", "STRIDES", "finder_network", "load_finder"]

# Width and height of the input in pixels: half of a 640 x 480 frame.
FINDER_SIZE = (320, 240)
STRIDES = (8, 16, 32)

_STEM = 32
# (channels, stride) of the 3x3 convolutions of each grid.
_BODY = {8: ((48, 2), (48, 1)), 16: ((64, 2), (64, 1)), 32: ((64, 2), (64, 1))}
# One cell in a hundred is a face (Lin et al., arXiv:1708.02002, section 4.1): a flat start would
# drown the few faces in the loss of everything else.
_PRIOR_LOGIT = -4.6
# Faces of a grid are about this many strides from centre to edge.
_USUAL_DISTANCE = 1.6


def finder_network() -> Any:
    """Build the finder with random weights.

    Returns:
        A functional Keras model: input "input" `(n, 240, 320, 3)` float32, BGR, (u8 - 128) / 128;
        outputs a dict of `logits8`, `logits16`, `logits32` `(n, rows, columns, 1)`, the face
        logits of the grids of these strides, and `boxes8`, ... `(n, rows, columns, 4)`, left, top,
        right and bottom distance from the cell's centre to the face's edges, in strides.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    keras = import_keras()
    layers = keras.layers
    pixels = keras.Input((FINDER_SIZE[1], FINDER_SIZE[0], 3), name="input")
    x = convolution(layers, pixels, _STEM, 4, 4, "stem")
    outputs = {}
    for stride, convolutions in _BODY.items():
        for index, (channels, step) in enumerate(convolutions):
            x = convolution(layers, x, channels, 3, step, f"body{stride}_{index}")
        prior = keras.initializers.Constant(_PRIOR_LOGIT)
        usual = keras.initializers.Constant(_USUAL_DISTANCE)
        for kind, size, start in (("logits", 1, prior), ("boxes", 4, usual)):
            name = f"{kind}{stride}"
            head = layers.Conv2D(size, 3, padding="same", bias_initializer=start, name=name)
            outputs[name] = head(x)
    return keras.Model(pixels, outputs, name="finder")


def load_finder(weights: Path) -> Any:
    """Build the finder with trained weights.

    Args:
        weights: .npz of `layer|weight` arrays, as the trainer writes it.

    Raises:
        ModelFileError: the file is missing, damaged, or of another network.
        MissingExtraError: Keras is not installed.
    """
    model = finder_network()
    load_layer_weights(model, weights)
    return model
