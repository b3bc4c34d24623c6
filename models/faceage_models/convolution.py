"""The one building block of our detector's networks."""

from typing import Any

__all__ = ["convolution"]

# Batches are small and runs short: the averages of the normalisation follow within 50 steps.
_MOMENTUM = 0.98


def convolution(
    layers: Any, x: Any, channels: int, side: int, stride: int, name: str, *, padding: str = "same"
) -> Any:
    """Apply a convolution with the batch normalisation and ReLU that the exporter merges into it.

    Args:
        layers: `keras.layers`.
        x: a Keras tensor (n, height, width, c).
        channels: of the output.
        side: of the square kernel.
        stride: in both directions.
        name: of the layers, with `_conv`, `_bn` and `_relu` behind it.
        padding: `same` or `valid`.
    """
    x = layers.Conv2D(
        channels, side, strides=stride, padding=padding, use_bias=False, name=f"{name}_conv"
    )(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
