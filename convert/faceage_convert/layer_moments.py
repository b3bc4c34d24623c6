"""What a layer's inputs do together over many faces: the mean and covariance of what it multiplies.

The error that rounded weights make in a layer's result is a quadratic form of these, whatever the
faces were: rounding can be chosen without looking at them again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_convert.weighted_layers import Layer, layers_of
from faceage_edge.interpreter import open_interpreter
from faceage_models.tflite_graph import load_graph

__all__ = ["Moments", "record_moments"]

Floats = npt.NDArray[np.float64]
Activation = npt.NDArray[np.float32]

# A covariance of more inputs than this (3 x 3 over 128 channels) takes longer to add up than the
# rest of a conversion, and its layer is rounded to nearest.
_MOST_INPUTS = 1152
_SAME = 0  # padding of the schema


@dataclass(frozen=True)
class Moments:
    """Of what one layer multiplies by its weights: `mean` (groups, n) and `covariance` (groups, n,
    n). A depthwise layer has a group for each input channel and its n places of the filter; others
    have one group, and n places and channels in the order of the weights."""

    mean: Floats
    covariance: Floats


@dataclass
class _Sums:
    count: int
    first: Floats
    second: Floats


def record_moments(
    model: bytes, inputs: Iterable[npt.NDArray[np.float32]], where: str
) -> dict[str, Moments]:
    """Run a float model and record its weighted layers' moments.

    Args:
        model: a float .tflite file.
        inputs: what it is run on, each in the shape of its input.
        where: the model's name, for messages.

    Returns:
        Moments by the name of the weights; layers in groups, and those with very many inputs, are
        left out.
    """
    tree = load_graph(model, where)
    layers = [layer for layer in layers_of(tree) if _wanted(layer)]
    interpreter: Any = open_interpreter(model, where, xnnpack=False, preserve_all=True)
    picture = interpreter.get_input_details()[0]["index"]
    sums: dict[str, _Sums] = {}
    for value in inputs:
        interpreter.set_tensor(picture, value)
        interpreter.invoke()
        for layer in layers:
            seen = np.asarray(interpreter.get_tensor(int(layer.operator.inputs[0])), np.float32)
            _add(sums, layer, _multiplied(layer, seen))
    return {name: _moments(one) for name, one in sums.items()}


def _wanted(layer: Layer) -> bool:
    shape = [int(side) for side in layer.weights.shape]
    if layer.kind == "DEPTHWISE_CONV_2D":
        return True
    if layer.kind == "CONV_2D" and shape[3] != int(layer.picture.shape[3]):
        return False
    return int(np.prod(shape[1:])) <= _MOST_INPUTS


def _multiplied(layer: Layer, seen: Activation) -> Activation:
    """What the layer's weights meet: (groups, times, n)."""
    if layer.kind == "FULLY_CONNECTED":
        return seen.reshape(1, -1, int(layer.weights.shape[1]))
    looks = _looks(layer, seen)
    if layer.kind == "DEPTHWISE_CONV_2D":
        # (times, height, width, channels) to (channels, times, places).
        return looks.reshape(len(looks), -1, looks.shape[3]).transpose(2, 0, 1)
    return looks.reshape(1, len(looks), -1)


def _looks(layer: Layer, seen: Activation) -> Activation:
    """Every part of a map that the filter is laid upon: (times, height, width, channels)."""
    options = layer.operator.builtinOptions
    strides = options.strideH, options.strideW
    reach = [
        (int(side) - 1) * gap + 1
        for side, gap in zip(
            layer.weights.shape[1:3],
            (options.dilationHFactor, options.dilationWFactor),
            strict=True,
        )
    ]
    if options.padding == _SAME:
        seen = np.pad(seen, ((0, 0), *map(_around, seen.shape[1:3], reach, strides), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(seen, reach, axis=(1, 2))
    every = windows[:, :: strides[0], :: strides[1], :, :: options.dilationHFactor]
    every = every[..., :: options.dilationWFactor].transpose(0, 1, 2, 4, 5, 3)
    return every.reshape(-1, *every.shape[3:])


def _around(side: int, reach: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, as TensorFlow pads: the odd one comes last."""
    missing = max((-(-side // stride) - 1) * stride + reach - side, 0)
    return missing // 2, missing - missing // 2


def _add(sums: dict[str, _Sums], layer: Layer, multiplied: Activation) -> None:
    first = multiplied.sum(axis=1, dtype=np.float64)
    second = np.matmul(multiplied.transpose(0, 2, 1), multiplied).astype(np.float64)
    known = sums.get(layer.name)
    if known is None:
        sums[layer.name] = _Sums(multiplied.shape[1], first, second)
    else:
        known.count += multiplied.shape[1]
        known.first += first
        known.second += second


def _moments(sums: _Sums) -> Moments:
    mean = sums.first / sums.count
    return Moments(mean, sums.second / sums.count - mean[:, :, None] * mean[:, None, :])
