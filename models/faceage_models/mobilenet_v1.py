"""MobileNetV1 (Howard et al., arXiv:1704.04861, table 1) without its head.

Layer names are those of `keras.applications.MobileNet`, so weights move between the two by name.
One thing differs: the strided depthwise convolutions pad "same" themselves, where that model pads
in a layer of its own. For even sizes both put one zero row below and one column to the right, and
here no PAD operation is left in the exported graph.
"""

from typing import Any

__all__ = ["BLOCKS", "mobilenet_features"]

# (channels of the pointwise convolution before `alpha`, stride of the depthwise one): table 1.
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
_STEM_CHANNELS = 32


def mobilenet_features(layers: Any, pixels: Any, alpha: float) -> Any:
    """Apply the network without its head.

    Args:
        layers: `keras.layers`.
        pixels: a Keras tensor (n, size, size, 3).
        alpha: width multiplier.

    Returns:
        A Keras tensor (n, size / 32, size / 32, 1024 alpha), 0 to 6.
    """
    stem = layers.Conv2D(
        int(_STEM_CHANNELS * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1"
    )
    x = _normalise(layers, stem(pixels), "conv1")
    for index, (channels, stride) in enumerate(BLOCKS, start=1):
        depthwise = layers.DepthwiseConv2D(
            3, strides=stride, padding="same", use_bias=False, name=f"conv_dw_{index}"
        )
        x = _normalise(layers, depthwise(x), f"conv_dw_{index}")
        pointwise = layers.Conv2D(
            int(channels * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{index}"
        )
        x = _normalise(layers, pointwise(x), f"conv_pw_{index}")
    return x


def _normalise(layers: Any, x: Any, name: str) -> Any:
    """Apply batch normalisation and the ReLU6 that the exporter merges into the convolution."""
    return layers.ReLU(6.0, name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))
