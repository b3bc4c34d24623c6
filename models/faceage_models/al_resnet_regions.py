"""AL-ResNet that cuts its region out of the picture: two networks, the second looks closer.

After Zhang et al., "Fine-grained age estimation in the wild with attention LSTM networks",
arXiv:1805.10445: a global branch, here ResNet50V2, finds a region of the face that tells its age;
a local branch looks at that piece of the picture alone. What both see goes side by side to the
head. `al_resnet` keeps its attention inside one graph; here the cut lies between two, which become
two files (`keras2_file --closer`, `faceage-convert --closer`). One region is cut, where the paper's
LSTM visits several.
"""

from typing import Any

from faceage_edge.errors import UsageError
from faceage_models.age_inputs import Preprocessing
from faceage_models.region_cut import region_cut_class
from faceage_models.resnet_v2 import EPSILON, resnet50_v2_features, wide

__all__ = ["WHERE", "al_resnet_regions", "closer_branch", "piece_side", "whole_branch"]

# The layer that says the region.
WHERE = "where"
# Sides of a region, as shares of the picture's: a third to two thirds. A piece has three quarters
# of the picture's pixels each way, so that every region grows, and is resampled bilinearly.
_LEAST, _MORE = 1 / 3, 1 / 3
_PIECE = (3, 4)
_CHANNELS = (64, 128, 256, 512)


def al_resnet_regions(keras: Any, pixels: Any, alpha: float, taken: Preprocessing) -> Any:
    """Apply both branches.

    Args:
        keras: Keras 3, as `training_keras` gives it.
        pixels: its tensor (n, size, size, 3).
        alpha: width multiplier of both.
        taken: how the picture was made of bytes.

    Returns:
        A tensor (n, 2560 alpha), the global branch's features first.

    Raises:
        UsageError: a piece made of bytes in that way is another than the picture's piece.
    """
    if taken.normalisation.kind != "affine":
        raise UsageError(
            f"al-resnet-regions cuts pieces out of pictures, and --normalise {taken.name} gives a "
            "piece other numbers than it had in its picture: take another --normalise"
        )
    seen, where = whole_branch(keras, pixels, alpha)
    cut = region_cut_class()(piece_side(pixels.shape[1]), name="piece")
    looked = closer_branch(keras, cut([pixels, where]), alpha)
    return keras.layers.Concatenate(name="global_and_local")([seen, looked])


def piece_side(size: int) -> int:
    """Height and width of a piece in pixels, of pictures of `size` pixels, a multiple of 32."""
    return size * _PIECE[0] // _PIECE[1]


def whole_branch(keras: Any, pixels: Any, alpha: float) -> tuple[Any, Any]:
    """Look at the whole face, and say where to look closer.

    Args:
        keras: Keras 3 or tf_keras.
        pixels: its tensor (n, size, size, 3).
        alpha: width multiplier.

    Returns:
        Features (n, 2048 alpha), and the region (n, 4): left, top, right and bottom as shares of
        the picture, within 0 to 1, in order, and a third to two thirds apart.
    """
    layers = keras.layers
    features = resnet50_v2_features(keras, pixels, alpha)
    seen = layers.GlobalAveragePooling2D(name="global_branch")(features)
    # From nought: training begins with half the face's width and height, in the middle.
    place, extent = (
        layers.Dense(2, activation="sigmoid", kernel_initializer="zeros", name=f"{WHERE}_{name}")(
            seen
        )
        for name in ("place", "extent")
    )
    sides = layers.Rescaling(_MORE, _LEAST, name=f"{WHERE}_sides")(extent)
    room = layers.Rescaling(-1.0, 1.0, name=f"{WHERE}_room")(sides)
    first = layers.Multiply(name=f"{WHERE}_first")([place, room])
    last = layers.Add(name=f"{WHERE}_last")([first, sides])
    return seen, layers.Concatenate(name=WHERE)([first, last])


def closer_branch(keras: Any, piece: Any, alpha: float) -> Any:
    """Look at a piece of the face.

    Args:
        keras: Keras 3 or tf_keras.
        piece: its tensor (n, side, side, 3).
        alpha: width multiplier.

    Returns:
        Features (n, 512 alpha), 0 and above.
    """
    layers, x = keras.layers, piece
    for number, channels in enumerate(_CHANNELS, start=1):
        name = f"closer{number}"
        x = layers.Conv2D(
            wide(channels, alpha), 3, strides=2, padding="same", use_bias=False, name=f"{name}_conv"
        )(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
        x = layers.Activation("relu", name=f"{name}_relu")(x)
    return layers.GlobalAveragePooling2D(name="local_branch")(x)
