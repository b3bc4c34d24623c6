"""How published age models take a picture: the one table that training and conversion read.

An entry says what a byte of a crop becomes before the network sees it, in the words of the
contract, so that a model is trained with the very formula that the device will use.
"""

from dataclasses import dataclass, replace
from typing import Any

from faceage_edge.contract import Normalisation
from faceage_edge.errors import UsageError

__all__ = ["INPUTS", "Preprocessing", "input_named", "input_range", "network_input"]


@dataclass(frozen=True)
class Preprocessing:
    """One way of taking pictures.

    Attributes:
        name: as `--normalise` calls it.
        colour: order of the channels that `normalisation` is about, RGB or BGR.
        normalisation: bytes to real numbers.
        of: the networks that were published with it.
    """

    name: str
    colour: str
    normalisation: Normalisation
    of: str

    def in_order(self, colour: str) -> Normalisation:
        """The normalisation for channels in an order, RGB or BGR."""
        rule = self.normalisation
        if colour == self.colour:
            return rule
        return replace(rule, mean=rule.mean[::-1], std=rule.std[::-1])


def _affine(name: str, mean: float, std: float, of: str) -> Preprocessing:
    return Preprocessing(name, "RGB", Normalisation("affine", (mean,) * 3, (std,) * 3), of)


# ImageNet's mean and deviation of colour in bytes, as torchvision states them for 0 to 1.
_TORCH_MEAN = tuple(255 * part for part in (0.485, 0.456, 0.406))
_TORCH_STD = tuple(255 * part for part in (0.229, 0.224, 0.225))
# ImageNet's mean of blue, green and red as VGG and ResNet of Caffe subtract it.
_CAFFE_MEAN = (103.939, 116.779, 123.68)
# Beyond three deviations of its own mean hardly a pixel of a face lies: a quantum stays small.
_STANDARD_CLIP = (-3.0, 3.0)

INPUTS = {
    one.name: one
    for one in (
        _affine("signed-128", 128.0, 128.0, "our own: exact in int8"),
        _affine("signed", 127.5, 127.5, "MobileNet, InceptionV3, ResNet50V2"),
        _affine("unit", 0.0, 255.0, "networks trained on pixels from 0 to 1"),
        _affine("bytes", 0.0, 1.0, "EfficientNet, MobileNetV3, and all that scale for themselves"),
        Preprocessing(
            "imagenet",
            "RGB",
            Normalisation("affine", _TORCH_MEAN, _TORCH_STD),
            "PyTorch's ResNet50 and others of torchvision",
        ),
        Preprocessing(
            "caffe",
            "BGR",
            Normalisation("affine", _CAFFE_MEAN, (1.0,) * 3),
            "VGG and ResNet of Keras",
        ),
        Preprocessing(
            "standardise",
            "RGB",
            Normalisation("standardise", clip=_STANDARD_CLIP),
            "FaceNet: each picture by its own mean and deviation",
        ),
    )
}


def input_named(name: str) -> Preprocessing:
    """Return a way of taking pictures.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in INPUTS:
        raise UsageError(f"no input {name!r}; there are {', '.join(INPUTS)}")
    return INPUTS[name]


def input_range(rule: Normalisation) -> tuple[float, float]:
    """Smallest and largest number that a network is given of bytes from 0 to 255."""
    if rule.kind == "standardise":
        return rule.clip[0], rule.clip[1]
    ends = [
        (byte - mean) / std
        for byte in (0.0, 255.0)
        for mean, std in zip(rule.mean, rule.std, strict=True)
    ]
    return min(ends), max(ends)


def network_input(keras: Any, bytes_rgb: Any, wanted: Preprocessing) -> Any:
    """What the network takes, of crops as bytes.

    Args:
        keras: the framework.
        bytes_rgb: Keras tensor (n, height, width, 3), 0 to 255, RGB.
        wanted: how.

    Returns:
        A Keras tensor of the same shape, float32, in `wanted.colour`.
    """
    ops, rule = keras.ops, wanted.normalisation
    pixels = ops.cast(bytes_rgb, "float32")
    if wanted.colour == "BGR":
        pixels = ops.flip(pixels, axis=-1)
    if rule.kind == "affine":
        scale = [1 / part for part in rule.std]
        offset = [-mean / std for mean, std in zip(rule.mean, rule.std, strict=True)]
        return pixels * ops.array(scale, "float32") + ops.array(offset, "float32")
    axes = (1, 2, 3)
    mean = ops.mean(pixels, axis=axes, keepdims=True)
    count = float(pixels.shape[1] * pixels.shape[2] * pixels.shape[3])
    # The floor is that of tf.image.per_image_standardization.
    std = ops.maximum(ops.std(pixels, axis=axes, keepdims=True), count**-0.5)
    return ops.clip((pixels - mean) / std, *rule.clip)
