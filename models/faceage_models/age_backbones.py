"""The networks an age model can stand on, by name: any of them under any head.

`mobilenet-v1` is ours: the layer names of `keras.applications.MobileNet`, without its padding
layers. The others are those of `keras.applications`, which needs no file of ours to be built.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.errors import UsageError
from faceage_models.age_heads import Head
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.layer_weights import Weights, read_weights
from faceage_models.mobilenet_v1 import mobilenet_features

__all__ = ["BACKBONES", "age_model", "take_weights"]

_TOTAL_STRIDE = 32
# (class in keras.applications, whether it has a width multiplier)
_APPLICATIONS = {
    "mobilenet-v2": ("MobileNetV2", True),
    "mobilenet-v3-small": ("MobileNetV3Small", True),
    "mobilenet-v3-large": ("MobileNetV3Large", True),
    "resnet50": ("ResNet50", False),
    "resnet50-v2": ("ResNet50V2", False),
    "vgg16": ("VGG16", False),
    "vgg19": ("VGG19", False),
    "inception-v3": ("InceptionV3", False),
    "efficientnet-b0": ("EfficientNetB0", False),
}
BACKBONES = ("mobilenet-v1", *_APPLICATIONS)


def age_model(backbone: str, head: Head, *, size: int, alpha: float, dropout: float = 0.0) -> Any:
    """Build a float age model with random weights.

    Args:
        backbone: one of `BACKBONES`.
        head: from `head_named`.
        size: height and width of the input in pixels, a multiple of 32.
        alpha: width multiplier, above 0; 1 for networks that have none.
        dropout: share of the pooled features that a training step hides.

    Returns:
        A functional Keras model: input "input" `(n, size, size, 3)` float32, RGB,
        (u8 - 128) / 128; output as the head gives it.

    Raises:
        UsageError: no such backbone, or a size or alpha it cannot have.
        MissingExtraError: Keras is not installed.
    """
    if backbone not in BACKBONES:
        raise UsageError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    if alpha <= 0 or size < _TOTAL_STRIDE or size % _TOTAL_STRIDE or not 0 <= dropout < 1:
        raise UsageError(
            f"cannot build {backbone} of alpha {alpha}, size {size}, dropout {dropout}: alpha must "
            f"be above 0, size a multiple of {_TOTAL_STRIDE}, and dropout from 0 to below 1"
        )
    keras = training_keras()
    pixels = keras.Input((size, size, 3), name="input")
    features = _features(backbone, alpha)(pixels)
    pooled = keras.layers.GlobalAveragePooling2D(name="global_average_pooling")(features)
    if dropout:
        pooled = keras.layers.Dropout(dropout, name="dropout")(pooled)
    name = f"age_{backbone.replace('-', '_')}_{head.name}"
    return keras.Model(pixels, head.output(pooled), name=name)


def _features(backbone: str, alpha: float) -> Callable[[Any], Any]:
    keras = training_keras()
    if backbone == "mobilenet-v1":
        return lambda pixels: mobilenet_features(keras.layers, pixels, alpha)
    kind, has_width = _APPLICATIONS[backbone]
    options: dict[str, Any] = {"alpha": alpha} if has_width else {}
    if not has_width and alpha != 1:
        raise UsageError(f"{backbone} has no width multiplier, found alpha {alpha}: leave it at 1")
    if kind.startswith("MobileNetV3"):
        # Their own scaling expects bytes; ours has been done.
        options["include_preprocessing"] = False

    def build(pixels: Any) -> Any:
        if kind == "EfficientNetB0":
            # It scales by itself, and has no option not to: bytes again.
            pixels = keras.layers.Rescaling(128.0, offset=128.0, name="to_bytes")(pixels)
        network = getattr(keras.applications, kind)
        return network(include_top=False, weights=None, input_tensor=pixels, **options).output

    return build


def take_weights(model: Any, path: Path) -> int:
    """Set those weights of a model that a file has under the same layer's name.

    Args:
        model: a Keras model.
        path: .npz of `layer|weight` arrays, or the .keras of an earlier run.

    Returns:
        How many weights were set.

    Raises:
        ModelFileError: the file is missing or damaged.
        UsageError: it is of another network: a weight's shape differs, or none was found.
    """
    weights = _of_model(path) if path.suffix == ".keras" else read_weights(path)
    taken = 0
    for layer in model.layers:
        for variable in layer.weights:
            key = next((k for k in _keys(layer.name, variable.name) if k in weights), None)
            if key is None:
                continue
            value = weights[key]
            if value.shape != tuple(variable.shape):
                raise UsageError(
                    f"{path} is of another network: {key} has the shape {value.shape} there and "
                    f"{tuple(variable.shape)} here; choose the --alpha it was made with"
                )
            variable.assign(value)
            taken += 1
    if not taken:
        raise UsageError(
            f"{path} has no weight of {model.name}: its layers are called "
            f"{', '.join(sorted({key.split('|')[0] for key in weights})[:3])}, ..."
        )
    return taken


def _of_model(path: Path) -> Weights:
    return {
        f"{layer.name}|{variable.name}": np.asarray(value, np.float32)
        for layer in load_keras(path, training_keras()).layers
        for variable, value in zip(layer.weights, layer.get_weights(), strict=True)
    }


def _keys(layer: str, variable: str) -> tuple[str, ...]:
    """What a weight may be called: Keras 2 had another word for depthwise kernels."""
    named = f"{layer}|{variable}"
    if variable == "kernel":
        return named, f"{layer}|depthwise_kernel"
    return (named,)
