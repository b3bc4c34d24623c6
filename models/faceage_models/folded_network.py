"""A float network with its batch normalisations folded into the convolutions before them.

What runs on the device has no normalisation: the exporter folds it into weights and biases. This
does the same with a Keras 3 model, as a list of plain layers that either framework can be built of:
tf_keras, to train with the rounding of int8, and Keras 3, to save what came of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import UsageError

__all__ = ["PASSIVE", "WEIGHTED", "Part", "build_parts", "folded_parts"]

Arrays = tuple[NDArray[np.float32], ...]

# What of a layer's configuration says how it computes; its weights and its name come beside.
_SETTINGS: dict[str, tuple[str, ...]] = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate"),
    "DepthwiseConv2D": ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier"),
    "Dense": ("units",),
    "ReLU": ("max_value",),
    "Add": (),
    "Concatenate": ("axis",),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "GlobalAveragePooling2D": ("keepdims",),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "ZeroPadding2D": ("padding",),
    "Flatten": (),
    "Reshape": ("target_shape",),
}
WEIGHTED = ("Conv2D", "DepthwiseConv2D", "Dense")
# Their results are numbers that went in, or nought: int8 takes the scale of what goes in.
PASSIVE = ("MaxPooling2D", "ZeroPadding2D", "Flatten", "Reshape")
# The runtime merges these two into the operator before; others would be operators of their own.
_RELU_LIMITS = (None, 6.0)
_DROPPED = ("Dropout", "InputLayer")


@dataclass(frozen=True)
class Part:
    """One layer: its name and kind (a key of `_SETTINGS`), its settings, the names of those it
    reads ("" is the picture), and its kernel and bias, where it has any."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    reads: tuple[str, ...]
    weights: Arrays = ()


def folded_parts(model: Any, last: Any) -> tuple[Part, ...]:
    """Take a network apart up to a layer, normalisations folded.

    Args:
        model: a functional Keras 3 model of one picture, each layer used once.
        last: the layer that is left out, with all behind it: the head.

    Returns:
        The layers in order; each reads the picture or layers before it.

    Raises:
        UsageError: a layer, named, that cannot be trained so.
    """
    names = {id(model.inputs[0]): ""}
    parts: dict[str, Part] = {}
    for layer in model.layers:
        if layer is last:
            break
        reads = tuple(_name_of(names, tensor, layer) for tensor in _inputs(layer))
        kind = type(layer).__name__
        if kind in _DROPPED:
            names[id(layer.output)] = reads[0] if reads else ""
        elif kind == "BatchNormalization":
            parts[reads[0]] = _folded(parts.get(reads[0]), layer, _readers(model, layer))
            names[id(layer.output)] = reads[0]
        else:
            for part in _parts_of(layer, reads):
                parts[part.name] = part
            names[id(layer.output)] = part.name
    return tuple(parts.values())


def build_parts(
    keras: Any,
    parts: Sequence[Part],
    pixels: Any,
    wrap: Callable[[Part, Any], Any] = lambda _part, layer: layer,
) -> dict[str, Any]:
    """Apply the layers to a picture.

    Args:
        keras: Keras 3 or tf_keras.
        parts: from `folded_parts`.
        pixels: the framework's input tensor.
        wrap: what to put in a layer's place, given its part and the layer with its weights.

    Returns:
        Every layer's output tensor by name; that of the picture as "".
    """
    known = {"": pixels}
    for part in parts:
        layer = getattr(keras.layers, part.kind)(name=part.name, **part.settings)
        reads = [known[name] for name in part.reads]
        read: Any = reads[0] if len(reads) == 1 else reads
        if part.weights:
            layer.build(read.shape)
            layer.set_weights(list(part.weights))
        known[part.name] = wrap(part, layer)(read)
    return known


def _inputs(layer: Any) -> Sequence[Any]:
    # Keras tells of the first use alone.
    if len(layer._inbound_nodes) > 1:
        raise UsageError(
            f"--qat needs a network whose layers are each used once, {layer.name!r} is not"
        )
    found = layer.input
    return list(found) if isinstance(found, list | tuple) else [found]


def _name_of(names: Mapping[int, str], tensor: Any, layer: Any) -> str:
    if id(tensor) not in names:
        raise UsageError(
            f"--qat cannot follow what the layer {layer.name!r} reads; it needs a network of one "
            "picture without networks nested in it"
        )
    return names[id(tensor)]


def _readers(model: Any, layer: Any) -> list[str]:
    """The layers that read what a layer reads, itself among them."""
    wanted = id(layer.input)
    return [
        other.name
        for other in model.layers
        if type(other).__name__ != "InputLayer" and wanted in map(id, _inputs(other))
    ]


def _parts_of(layer: Any, reads: tuple[str, ...]) -> list[Part]:
    """A layer, and its activation as one of its own behind it."""
    kind, config = type(layer).__name__, layer.get_config()
    if kind == "Activation":
        return [_relu(layer, layer.name, reads)]
    if kind not in _SETTINGS or config.get("groups", 1) != 1 or not _plain_relu(kind, config):
        raise _refusal(layer, f"is a {kind} that int8 training does not know")
    settings = {key: config[key] for key in _SETTINGS[kind]}
    part = Part(layer.name, kind, settings, reads, _weights(layer) if kind in WEIGHTED else ())
    if config.get("activation", "linear") == "linear":
        return [part]
    return [part, _relu(layer, f"{layer.name}_relu", (part.name,))]


def _plain_relu(kind: str, config: Mapping[str, Any]) -> bool:
    if kind != "ReLU":
        return True
    bent = config["negative_slope"] or config["threshold"]
    return not bent and config["max_value"] in _RELU_LIMITS


def _relu(layer: Any, name: str, reads: tuple[str, ...]) -> Part:
    activation = layer.get_config()["activation"]
    if activation not in ("relu", "relu6"):
        raise _refusal(layer, f"has the activation {activation}, expected relu or relu6")
    return Part(name, "ReLU", {"max_value": 6.0 if activation == "relu6" else None}, reads)


def _weights(layer: Any) -> Arrays:
    kernel, *bias = (np.asarray(value, np.float32) for value in layer.get_weights())
    outputs = kernel.shape[-1] * (kernel.shape[-2] if _is_depthwise(layer) else 1)
    return kernel, bias[0] if bias else np.zeros(outputs, np.float32)


def _is_depthwise(layer: Any) -> bool:
    return type(layer).__name__ == "DepthwiseConv2D"


def _folded(part: Part | None, layer: Any, readers: Sequence[str]) -> Part:
    """A convolution that does what a normalisation behind it did too."""
    if part is None or part.kind not in WEIGHTED or len(readers) > 1:
        raise _refusal(
            layer, "is a normalisation that does not stand alone behind a convolution, so it "
            "cannot be folded into one",
        )  # fmt: skip
    kernel, bias = (value.astype(np.float64) for value in part.weights)
    mean, variance = (np.asarray(v, np.float64) for v in (layer.moving_mean, layer.moving_variance))
    gamma = 1.0 if layer.gamma is None else np.asarray(layer.gamma, np.float64)
    beta = 0.0 if layer.beta is None else np.asarray(layer.beta, np.float64)
    scale = gamma / np.sqrt(variance + layer.epsilon)
    by_channel = scale.reshape(kernel.shape[2:]) if part.kind == "DepthwiseConv2D" else scale
    weights = kernel * by_channel, beta + (bias - mean) * scale
    return replace(part, weights=tuple(value.astype(np.float32) for value in weights))


def _refusal(layer: Any, why: str) -> UsageError:
    return UsageError(
        f"--qat cannot train this network: its layer {layer.name!r} {why}; it takes "
        f"{', '.join(_SETTINGS)}, with BatchNormalization behind a convolution"
    )
