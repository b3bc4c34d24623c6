"""The finder: one single-shot, anchor-free network that says where faces are in a whole frame.

Plain 3x3 convolutions of few, wide layers and ReLU only: on processors without 8-bit matrix units
a thin or depthwise layer spends its instructions on moving data. The stem takes four by four
pixels at once, so that nothing is computed at full or half resolution. Every cell of three grids
says whether it is in the middle of a face and how far the four edges of that face are from the
cell's centre, as FCOS does (Tian et al., arXiv:1904.01355). The finest grid, which has seen least
around its cells, is told what the next one sees, as feature pyramids do (Lin et al.,
arXiv:1612.03144): a small face is known by the head and shoulders around it.
"""

from pathlib import Path
from typing import Any

from faceage_models.convolution import convolution
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import load_layer_weights

__all__ = ["FINDER_SIZE", "STRIDES", "finder_network", "load_finder"]

# Width and height of the input in pixels: half of a 640 x 480 frame.
FINDER_SIZE = (320, 240)
STRIDES = (8, 16, 32)

_STEM = 32
_FINE = 48
# (channels, stride) of the 3x3 convolutions that the coarser grids add. Depth lies at stride 16,
# where a layer costs a quarter of what it does at stride 8.
_BODY = {16: ((64, 2), (64, 1), (64, 1), (64, 1)), 32: ((64, 2), (64, 1))}
# Of the finest grid, once it knows of the next.
_FUSED = 40
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
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    keras = training_keras()
    layers = keras.layers
    pixels = keras.Input((FINDER_SIZE[1], FINDER_SIZE[0], 3), name="input")
    x = convolution(layers, pixels, _STEM, 4, 4, "stem")
    x = fine = convolution(layers, x, _FINE, 3, 2, "body8")
    grids = {}
    for stride, convolutions in _BODY.items():
        for index, (channels, step) in enumerate(convolutions):
            x = convolution(layers, x, channels, 3, step, f"body{stride}_{index}")
        grids[stride] = x
    told = convolution(layers, grids[16], _FINE, 1, 1, "told")
    # Bilinear: XNNPACK takes no other way of making a grid finer.
    told = layers.UpSampling2D(2, interpolation="bilinear", name="finer")(told)
    fused = layers.Add(name="fused")([told, fine])
    grids[8] = convolution(layers, fused, _FUSED, 3, 1, "fused8")
    outputs = {}
    for stride in STRIDES:
        prior = keras.initializers.Constant(_PRIOR_LOGIT)
        usual = keras.initializers.Constant(_USUAL_DISTANCE)
        for kind, size, start in (("logits", 1, prior), ("boxes", 4, usual)):
            name = f"{kind}{stride}"
            head = layers.Conv2D(size, 3, padding="same", bias_initializer=start, name=name)
            outputs[name] = head(grids[stride])
    return keras.Model(pixels, outputs, name="finder")


def load_finder(weights: Path) -> Any:
    """Build the finder with trained weights.

    Args:
        weights: .npz of `layer|weight` arrays, as the trainer writes it.

    Raises:
        ModelFileError: the file is missing, damaged, or of another network.
        MissingExtraError: Keras, or every back end of it, is not installed.
    """
    model = finder_network()
    load_layer_weights(model, weights)
    return model
