"""Small published networks that ages were learnt with: LeNet, AlexNet, 4C2F, SSR-Net, C3AE.

Each as its paper has it up to the features, with a width multiplier; local response normalisation,
which no accelerator has, is batch normalisation here.
"""

from typing import Any

__all__ = ["alexnet", "c3ae", "four_convolutions", "lenet", "ssr_net"]

_STREAMS = (("relu", "AveragePooling2D"), ("tanh", "MaxPooling2D"))
_SSR_STAGES = 3
# Of the face that the first of C3AE's three pictures shows, what the second and third show.
_C3AE_SHARES = (1.0, 0.8, 0.6)


def lenet(keras: Any, pixels: Any, alpha: float) -> Any:
    """LeNet-5 (LeCun et al., 1998) with ReLU: features of a picture, (n, 84 alpha)."""
    layers = keras.layers
    x = pixels
    for number, channels in enumerate((6, 16), start=1):
        x = layers.Conv2D(_wide(channels, alpha), 5, activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate((120, 84), start=1):
        x = layers.Dense(_wide(units, alpha), activation="relu", name=f"fc{number}")(x)
    return x


def alexnet(keras: Any, pixels: Any, alpha: float) -> Any:
    """AlexNet (Krizhevsky et al., 2012), 3x3 pooling in three places: (n, 4096 alpha)."""
    layers = keras.layers
    plan = ((96, 11, 4, True), (256, 5, 1, True), (384, 3, 1, False), (384, 3, 1, False))
    x = pixels
    for number, (channels, kernel, stride, pooled) in enumerate((*plan, (256, 3, 1, True)), 1):
        x = _normal(keras, x, _wide(channels, alpha), kernel, f"conv{number}", stride=stride)
        if pooled and x.shape[1] > 2:
            x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = layers.Dense(_wide(4096, alpha), activation="relu", name=f"fc{number}")(x)
    return x


def four_convolutions(keras: Any, pixels: Any, alpha: float) -> Any:
    """4C2F: four convolutions and two fully connected layers, (n, 512 alpha)."""
    layers = keras.layers
    x = pixels
    for number, channels in enumerate((32, 64, 128, 256), start=1):
        x = _normal(keras, x, _wide(channels, alpha), 3, f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (1, 2):
        x = layers.Dense(_wide(512, alpha), activation="relu", name=f"fc{number}")(x)
    return x


def ssr_net(keras: Any, pixels: Any, alpha: float) -> Any:
    """The two streams of SSR-Net (Yang et al., IJCAI 2018), multiplied stage by stage.

    Its own head sums three stages of a few classes each; here any head reads the joined features.
    """
    layers = keras.layers
    wide = _wide(32, alpha)
    joined = []
    streams = [pixels for _ in _STREAMS]
    for stage in range(1, _SSR_STAGES + 1):
        for number, (activation, pooling) in enumerate(_STREAMS):
            name = f"stream{number}_stage{stage}"
            x = _normal(keras, streams[number], wide, 3, name, activation=activation)
            streams[number] = getattr(layers, pooling)(2, name=f"{name}_pool")(x)
        fused = [
            layers.Conv2D(wide // 2, 1, activation=activation, name=f"fuse{number}_stage{stage}")(x)
            for number, ((activation, _), x) in enumerate(zip(_STREAMS, streams, strict=True))
        ]
        product = layers.Multiply(name=f"product_stage{stage}")(fused)
        size = max(product.shape[1] // 4, 1)
        product = layers.AveragePooling2D(size, name=f"pool_stage{stage}")(product)
        joined.append(layers.Flatten(name=f"flat_stage{stage}")(product))
    return layers.Concatenate(name="stages")(joined)


def c3ae(keras: Any, pixels: Any, alpha: float) -> Any:
    """C3AE (Zhang et al., CVPR 2019): one plain network sees three cuts of the face, (n, 3 x 12).

    The cuts share their middle; the layers are shared, as in the paper.
    """
    layers = keras.layers
    size = pixels.shape[1]
    wide = _wide(32, alpha)
    convolutions = [
        (
            layers.Conv2D(wide, 3, use_bias=False, name=f"conv{number}"),
            layers.BatchNormalization(name=f"conv{number}_bn"),
        )
        for number in range(1, 5)
    ]
    narrow, features = layers.Conv2D(wide, 1, name="conv5"), layers.Dense(12, name="features")
    parts = []
    for number, share in enumerate(_C3AE_SHARES, start=1):
        margin = round(size * (1 - share) / 2)
        x = pixels
        if margin:
            x = layers.Cropping2D(margin, name=f"cut{number}")(x)
            x = layers.Resizing(size, size, name=f"resize{number}")(x)
        for step, (convolution, normal) in enumerate(convolutions, start=1):
            x = layers.Activation("relu", name=f"relu{step}_{number}")(normal(convolution(x)))
            if step < 4 and x.shape[1] > 3:
                x = layers.AveragePooling2D(2, name=f"pool{step}_{number}")(x)
        x = layers.GlobalAveragePooling2D(name=f"mean_{number}")(narrow(x))
        parts.append(features(x))
    return layers.Concatenate(name="scales")(parts)


def _wide(channels: int, alpha: float) -> int:
    return max(2, round(channels * alpha / 2) * 2)


def _normal(
    keras: Any, x: Any, channels: int, kernel: int, name: str, *, stride: int = 1,
    activation: str = "relu",
) -> Any:  # fmt: skip
    layers = keras.layers
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=name)(
        x
    )
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_{activation}")(x)
