"""ResNet50V2 (He et al., arXiv:1603.05027) with a width multiplier, without its head.

As `keras.applications.ResNet50V2`, which has no multiplier: full pre-activation, the stride in the
last block of a stage. The convolutions pad themselves, so that no PAD is left in the export.
"""

from typing import Any

__all__ = ["EPSILON", "EXPANSION", "resnet50_v2_features", "wide"]

# (channels of the narrow convolutions, blocks, stride of the last block).
_STAGES = ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1))
EXPANSION = 4
EPSILON = 1.001e-5


def resnet50_v2_features(keras: Any, pixels: Any, alpha: float) -> Any:
    """Apply the network.

    Args:
        keras: Keras 3 or tf_keras.
        pixels: its tensor (n, size, size, 3).
        alpha: width multiplier.

    Returns:
        A tensor (n, size / 32, size / 32, 2048 alpha), 0 and above.
    """
    layers = keras.layers
    x = layers.Conv2D(wide(64, alpha), 7, strides=2, padding="same", name="conv1")(pixels)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    for stage, (channels, blocks, stride) in enumerate(_STAGES, start=2):
        for block in range(1, blocks + 1):
            x = _block(
                layers, x, wide(channels, alpha), f"conv{stage}_block{block}",
                stride=stride if block == blocks else 1, widens=block == 1,
            )  # fmt: skip
    return _activated(layers, x, "post")


def _block(layers: Any, x: Any, channels: int, name: str, *, stride: int, widens: bool) -> Any:
    wide = EXPANSION * channels
    before = _activated(layers, x, f"{name}_preact")
    if widens:
        beside = layers.Conv2D(wide, 1, strides=stride, name=f"{name}_0_conv")(before)
    else:
        beside = layers.MaxPooling2D(1, strides=stride, name=f"{name}_pool")(x) if stride > 1 else x
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_1_conv")(before)
    x = _activated(layers, x, f"{name}_1")
    x = layers.Conv2D(
        channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_2_conv"
    )(x)
    x = _activated(layers, x, f"{name}_2")
    x = layers.Conv2D(wide, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([beside, x])


def _activated(layers: Any, x: Any, name: str) -> Any:
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def wide(channels: int, alpha: float) -> int:
    """Return the channels of a layer as wide as `alpha` says: a multiple of 4, at least 4."""
    return max(4, round(channels * alpha / 4) * 4)
