"""Inception-ResNet-v1 with a 128-number embedding, as FaceNet's open implementations have it.

Szegedy et al., arXiv:1602.07261, figures 10 to 15; the block counts, residual scales (0.17, 0.1,
0.2) and the bottleneck are those that faces were trained with (Schroff et al., arXiv:1503.03832,
for the embedding). The scaling of a residual has no weights, and the exporter folds it away.
"""

from collections.abc import Sequence
from typing import Any

__all__ = ["EMBEDDING", "SMALLEST", "inception_resnet_v1"]

EMBEDDING = 128
# Its unpadded strides leave nothing of a smaller picture.
SMALLEST = 80
_SCALES = {"Block35": 0.17, "Block17": 0.1, "Block8": 0.2}
_MOMENTUM = 0.995

# A branch: (channels, kernel, stride, padding) of one convolution after another.
Branch = Sequence[tuple[int, int | tuple[int, int], int, str]]

_BLOCKS: dict[str, tuple[Branch, ...]] = {
    "Block35": (
        [(32, 1, 1, "same")],
        [(32, 1, 1, "same"), (32, 3, 1, "same")],
        [(32, 1, 1, "same"), (32, 3, 1, "same"), (32, 3, 1, "same")],
    ),
    "Block17": (
        [(128, 1, 1, "same")],
        [(128, 1, 1, "same"), (128, (1, 7), 1, "same"), (128, (7, 1), 1, "same")],
    ),
    "Block8": (
        [(192, 1, 1, "same")],
        [(192, 1, 1, "same"), (192, (1, 3), 1, "same"), (192, (3, 1), 1, "same")],
    ),
}
_REDUCTIONS: dict[str, tuple[Branch, ...]] = {
    "Mixed_6a": (
        [(384, 3, 2, "valid")],
        [(192, 1, 1, "same"), (192, 3, 1, "same"), (256, 3, 2, "valid")],
    ),
    "Mixed_7a": (
        [(256, 1, 1, "same"), (384, 3, 2, "valid")],
        [(256, 1, 1, "same"), (256, 3, 2, "valid")],
        [(256, 1, 1, "same"), (256, 3, 1, "same"), (256, 3, 2, "valid")],
    ),
}


def inception_resnet_v1(keras: Any, pixels: Any, alpha: float) -> Any:
    """Apply the network.

    Args:
        keras: Keras 3 or tf_keras.
        pixels: its tensor (n, size, size, 3), `SMALLEST` pixels or more.
        alpha: width multiplier; 1 is the published network, of 22.8 million weights.

    Returns:
        A tensor (n, `EMBEDDING`).
    """
    net = _Builder(keras, alpha)
    x = net.branch(pixels, [(32, 3, 2, "valid"), (32, 3, 1, "valid"), (64, 3, 1, "same")], "Stem_a")
    x = keras.layers.MaxPooling2D(3, strides=2, name="MaxPool_3a")(x)
    x = net.branch(x, [(80, 1, 1, "valid"), (192, 3, 1, "valid"), (256, 3, 2, "valid")], "Stem_b")
    x = net.repeated(x, "Block35", 5)
    x = net.reduction(x, "Mixed_6a")
    x = net.repeated(x, "Block17", 10)
    x = net.reduction(x, "Mixed_7a")
    x = net.repeated(x, "Block8", 5)
    x = net.residual(x, "Block8", "Block8_6", scale=1.0, activate=False)
    x = keras.layers.GlobalAveragePooling2D(name="AvgPool")(x)
    x = keras.layers.Dense(EMBEDDING, use_bias=False, name="Bottleneck")(x)
    return keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=1e-3, scale=False, name="Bottleneck_BatchNorm"
    )(x)


class _Builder:
    def __init__(self, keras: Any, alpha: float) -> None:
        self._keras = keras
        self._alpha = alpha

    def _wide(self, channels: int) -> int:
        return max(4, round(channels * self._alpha / 4) * 4)

    def branch(self, x: Any, steps: Branch, name: str) -> Any:
        layers = self._keras.layers
        for number, (channels, kernel, stride, padding) in enumerate(steps):
            own = f"{name}_{number}"
            x = layers.Conv2D(
                self._wide(channels), kernel, strides=stride, padding=padding, use_bias=False,
                name=own,
            )(x)  # fmt: skip
            normal = layers.BatchNormalization(
                momentum=_MOMENTUM, epsilon=1e-3, scale=False, name=f"{own}_BatchNorm"
            )
            x = layers.Activation("relu", name=f"{own}_Activation")(normal(x))
        return x

    def repeated(self, x: Any, kind: str, times: int) -> Any:
        for number in range(1, times + 1):
            x = self.residual(x, kind, f"{kind}_{number}", scale=_SCALES[kind])
        return x

    def residual(self, x: Any, kind: str, name: str, *, scale: float, activate: bool = True) -> Any:
        layers = self._keras.layers
        parts = [
            self.branch(x, steps, f"{name}_Branch_{number}")
            for number, steps in enumerate(_BLOCKS[kind])
        ]
        mixed = layers.Concatenate(name=f"{name}_Concatenate")(parts)
        up = layers.Conv2D(x.shape[-1], 1, padding="same", name=f"{name}_Conv2d_1x1")(mixed)
        scaled = layers.Rescaling(scale, name=f"{name}_ScaleSum")(up)
        x = layers.Add(name=f"{name}_Add")([x, scaled])
        return layers.Activation("relu", name=f"{name}_Activation")(x) if activate else x

    def reduction(self, x: Any, name: str) -> Any:
        layers = self._keras.layers
        parts = [
            self.branch(x, steps, f"{name}_Branch_{number}")
            for number, steps in enumerate(_REDUCTIONS[name])
        ]
        parts.append(layers.MaxPooling2D(3, strides=2, name=f"{name}_MaxPool")(x))
        return layers.Concatenate(name=name)(parts)
