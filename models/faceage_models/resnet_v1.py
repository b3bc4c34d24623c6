"""ResNet50 (He et al., arXiv:1512.03385) with a width multiplier, without its head.

Layer by layer that of `keras.applications.ResNet50`, which has no multiplier: the stride in the
first convolution of a stage, a bias before each normalisation, paddings as layers of their own.
"""

from typing import Any

from faceage_models.resnet_v2 import EPSILON, EXPANSION, wide

__all__ = ["resnet50_features"]

# (channels of the narrow convolutions, blocks, stride of the first block).
_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))


def resnet50_features(keras: Any, pixels: Any, alpha: float) -> Any:
    """Apply the network.

    Args:
        keras: Keras 3 or tf_keras.
        pixels: its tensor (n, size, size, 3).
        alpha: width multiplier.

    Returns:
        A tensor (n, size / 32, size / 32, 2048 alpha), 0 and above.
    """
    layers = keras.layers
    x = layers.ZeroPadding2D(3, name="conv1_pad")(pixels)
    x = _convolved(layers, x, wide(64, alpha), "conv1", side=7, stride=2)
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, (channels, blocks, stride) in enumerate(_STAGES, start=2):
        for block in range(1, blocks + 1):
            name, own = f"conv{stage}_block{block}", stride if block == 1 else 1
            x = _block(layers, x, wide(channels, alpha), name, stride=own, widens=block == 1)
    return x


def _block(layers: Any, x: Any, channels: int, name: str, *, stride: int, widens: bool) -> Any:
    after, beside = EXPANSION * channels, x
    if widens:
        beside = _convolved(layers, x, after, f"{name}_0", stride=stride)
    x = _convolved(layers, x, channels, f"{name}_1", stride=stride)
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = _convolved(layers, x, channels, f"{name}_2", side=3, padding="same")
    x = layers.Activation("relu", name=f"{name}_2_relu")(x)
    x = _convolved(layers, x, after, f"{name}_3")
    x = layers.Add(name=f"{name}_add")([beside, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _convolved(
    layers: Any,
    x: Any,
    channels: int,
    name: str,
    *,
    side: int = 1,
    stride: int = 1,
    padding: str = "valid",
) -> Any:
    convolve = layers.Conv2D(channels, side, strides=stride, padding=padding, name=f"{name}_conv")
    return layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(convolve(x))
