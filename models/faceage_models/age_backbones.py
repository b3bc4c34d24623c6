"""The networks an age model can stand on, by name: any of them under any head.

`mobilenet-v1` is ours: the layer names of `keras.applications.MobileNet`, without its padding
layers; `resnet50` and `resnet50-v2` are ours too, for their width multiplier. Those of
`keras.applications` need no file of ours to be built; the others are what published age models
stand on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.errors import UsageError
from faceage_models.age_heads import Head
from faceage_models.age_inputs import Preprocessing, input_named
from faceage_models.al_resnet import with_attention
from faceage_models.al_resnet_regions import al_resnet_regions
from faceage_models.inception_resnet_v1 import SMALLEST, inception_resnet_v1
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.layer_weights import Weights, read_weights
from faceage_models.mobilenet_v1 import mobilenet_features
from faceage_models.resnet_v1 import resnet50_features
from faceage_models.resnet_v2 import resnet50_v2_features
from faceage_models.small_networks import alexnet, c3ae, four_convolutions, lenet, ssr_net

__all__ = ["BACKBONES", "Backbone", "age_model", "backbone_features", "take_weights"]

_TOTAL_STRIDE = 32
# What the bytes of a face usually differ by from their mean.
_DIFFERENCE = 64.0
# Of --normalise: the same as `INPUTS`, and exact in int8.
_INPUT = "signed-128"


@dataclass(frozen=True)
class Backbone:
    """A network up to its features.

    Attributes:
        features: from Keras, a picture (a Keras tensor), the width multiplier and how the picture
            was made of bytes, to features: a map or a vector.
        widths: whether it has a width multiplier.
        smallest: picture it can take, in pixels.
    """

    features: Callable[[Any, Any, float, Preprocessing], Any]
    widths: bool = True
    smallest: int = _TOTAL_STRIDE


def _own(network: Callable[[Any, Any, float], Any], smallest: int = _TOTAL_STRIDE) -> Backbone:
    return Backbone(lambda keras, pixels, alpha, _: network(keras, pixels, alpha), True, smallest)


def _application(kind: str, smallest: int = _TOTAL_STRIDE) -> Backbone:
    widths = kind.startswith("MobileNet")
    return Backbone(partial(_application_features, kind), widths, smallest)


def _application_features(
    kind: str, keras: Any, pixels: Any, alpha: float, taken: Preprocessing
) -> Any:
    options: dict[str, Any] = {"alpha": alpha} if kind.startswith("MobileNet") else {}
    if kind.startswith("MobileNetV3"):
        # Their own scaling expects bytes; ours has been done.
        options["include_preprocessing"] = False
    if kind == "EfficientNetB0" and taken.name != "bytes":
        pixels = _to_bytes(keras, pixels, taken)
    network = getattr(keras.applications, kind)
    built = network(include_top=False, weights=None, input_tensor=pixels, **options)
    if kind.startswith("VGG"):
        _begin_without_normalisation(keras, built, taken)
    return built.output


def _begin_without_normalisation(keras: Any, network: Any, taken: Preprocessing) -> None:
    """Let what pictures differ by reach the end of a network that normalises nothing.

    Keras' own start halves it at every layer, and a VGG then learns one answer for all faces; this
    keeps it (He et al., "Delving deep into rectifiers", arXiv:1502.01852, section 2.2). Pictures
    come in at about a unit.
    """
    kernels = [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]
    for kernel in kernels:
        kernel.assign(keras.initializers.HeNormal()(kernel.shape))
    if taken.normalisation.kind == "affine":
        kernels[0].assign(kernels[0] * (max(taken.normalisation.std) / _DIFFERENCE))


def _to_bytes(keras: Any, pixels: Any, taken: Preprocessing) -> Any:
    """EfficientNet scales by itself, and has no option not to: bytes again."""
    rule = taken.normalisation
    if len(set(zip(rule.mean, rule.std, strict=True))) != 1:
        raise UsageError(
            f"efficientnet-b0 scales bytes by itself, and --normalise {taken.name} is not undone "
            "by one number: take --normalise bytes"
        )
    return keras.layers.Rescaling(rule.std[0], offset=rule.mean[0], name="to_bytes")(pixels)


def _al_resnet(keras: Any, pixels: Any, alpha: float) -> Any:
    return with_attention(keras, resnet50_v2_features(keras, pixels, alpha))


def _pixels(keras: Any, pixels: Any, _alpha: float, _: Preprocessing) -> Any:
    """No network: a head of groups on them is softmax regression."""
    return keras.layers.Flatten(name="flatten")(pixels)


BACKBONES = {
    "mobilenet-v1": _own(
        lambda keras, pixels, alpha: mobilenet_features(keras.layers, pixels, alpha)
    ),
    "mobilenet-v2": _application("MobileNetV2"),
    "mobilenet-v3-small": _application("MobileNetV3Small"),
    "mobilenet-v3-large": _application("MobileNetV3Large"),
    "resnet50": _own(resnet50_features),
    "resnet50-v2": _own(resnet50_v2_features),
    "vgg16": _application("VGG16"),
    "vgg19": _application("VGG19"),
    "inception-v3": _application("InceptionV3", 75),
    "efficientnet-b0": _application("EfficientNetB0"),
    "inception-resnet-v1": _own(inception_resnet_v1, SMALLEST),
    "al-resnet": _own(_al_resnet),
    "al-resnet-regions": Backbone(al_resnet_regions),
    "4c2f": _own(four_convolutions),
    "alexnet": _own(alexnet),
    "lenet": _own(lenet),
    "linear": Backbone(_pixels, widths=False),
    "ssr-net": _own(ssr_net),
    "c3ae": _own(c3ae, 64),
}


def age_model(
    backbone: str,
    head: Head,
    *,
    size: int,
    alpha: float,
    dropout: float = 0.0,
    normalise: str = _INPUT,
) -> Any:
    """Build a float age model with random weights.

    Args:
        backbone: one of `BACKBONES`.
        head: from `head_named`.
        size: height and width of the input in pixels, a multiple of 32.
        alpha: width multiplier, above 0; 1 for networks that have none.
        dropout: share of the pooled features that a training step hides.
        normalise: of `INPUTS`: how the picture is made of bytes.

    Returns:
        A functional Keras model: input "input" `(n, size, size, 3)` float32, as `normalise` says;
        output as the head gives it.

    Raises:
        UsageError: no such backbone, or a size or alpha it cannot have.
        MissingExtraError: Keras is not installed.
    """
    keras = training_keras()
    pixels, features = backbone_features(
        keras, backbone, size=size, alpha=alpha, dropout=dropout, normalise=normalise
    )
    name = f"age_{backbone.replace('-', '_')}_{head.name}"
    return keras.Model(pixels, head.output(features), name=name)


def backbone_features(
    keras: Any,
    backbone: str,
    *,
    size: int,
    alpha: float,
    dropout: float = 0.0,
    normalise: str = _INPUT,
) -> tuple[Any, Any]:
    """Apply a backbone to a new input, up to what a head reads.

    Args:
        keras: Keras 3 or tf_keras.
        backbone: and the others as for `age_model`, whose errors they raise.

    Returns:
        The input (n, size, size, 3) and the features (n, m), both Keras tensors.
    """
    if backbone not in BACKBONES:
        raise UsageError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    if alpha <= 0 or size < _TOTAL_STRIDE or size % _TOTAL_STRIDE or not 0 <= dropout < 1:
        raise UsageError(
            f"cannot build {backbone} of alpha {alpha}, size {size}, dropout {dropout}: alpha must "
            f"be above 0, size a multiple of {_TOTAL_STRIDE}, and dropout from 0 to below 1"
        )
    known = BACKBONES[backbone]
    if not known.widths and alpha != 1:
        raise UsageError(f"{backbone} has no width multiplier, found alpha {alpha}: take --alpha 1")
    if size < known.smallest:
        raise UsageError(
            f"{backbone} has nothing left of a picture of {size} pixels: take --size "
            f"{-(-known.smallest // _TOTAL_STRIDE) * _TOTAL_STRIDE} or more"
        )
    pixels = keras.Input((size, size, 3), name="input")
    features = known.features(keras, pixels, alpha, input_named(normalise))
    if len(features.shape) == 4:
        pool = keras.layers.GlobalAveragePooling2D(name="global_average_pooling")
        features = pool(features)
    if dropout:
        features = keras.layers.Dropout(dropout, name="dropout")(features)
    return pixels, features


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
