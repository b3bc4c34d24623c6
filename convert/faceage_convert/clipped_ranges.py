"""Cut a tensor's range where a finer step gains more than the cut values lose.

Minimum and maximum give every value its place, and the few largest ones stretch the steps of all.
The share of the range that is kept is the one with the least mean squared error on faces, rounding
and cutting together (as the ranges "by MSE" of Nagel et al., "A white paper on neural network
quantization", arXiv:2106.08295, section 3.1).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.flatbuffer import read_model_file
from faceage_edge.interpreter import open_interpreter

__all__ = ["best_share", "clip_ranges"]

Floats = npt.NDArray[np.float64]
_Ranges = Mapping[str, tuple[float, float]]

_BINS = 2048
_SHARES = np.linspace(0.3, 1.0, 71)
_STEPS = 255


def clip_ranges(
    model: bytes, ranges: _Ranges, inputs: Iterable[npt.NDArray[np.float32]], where: str
) -> dict[str, tuple[float, float]]:
    """Cut the ranges of what lies between a float model's input and its outputs.

    Args:
        model: a float .tflite file.
        ranges: smallest and largest value of its tensors.
        inputs: what it is run on, each in the shape of its input.
        where: the model's name, for messages.

    Returns:
        All ranges, those between the ends cut on both sides in proportion.
    """
    graph = read_model_file(model, where)
    ends = {tensor.name for tensor in (*graph.inputs, *graph.outputs)}
    watched = {
        index: tensor.name
        for index, tensor in enumerate(graph.tensors)
        if tensor.name in ranges and tensor.name not in ends and not tensor.constant
    }
    interpreter: Any = open_interpreter(model, where, xnnpack=False, preserve_all=True)
    picture = interpreter.get_input_details()[0]["index"]
    counts = {name: np.zeros(_BINS) for name in watched.values()}
    for value in inputs:
        interpreter.set_tensor(picture, value)
        interpreter.invoke()
        for index, name in watched.items():
            counts[name] += _histogram(interpreter.get_tensor(index), *ranges[name])
    shares = {name: best_share(*ranges[name], count) for name, count in counts.items()}
    return {
        name: (low * shares.get(name, 1.0), high * shares.get(name, 1.0))
        for name, (low, high) in ranges.items()
    }


def _histogram(values: npt.NDArray[np.float32], low: float, high: float) -> Floats:
    # Zero is exact whatever the step is, and a ReLU makes it of most values.
    values = values[values != 0]
    return np.histogram(values, _BINS, (low, high) if low < high else (low, low + 1))[0].astype(
        np.float64
    )


def best_share(low: float, high: float, count: Floats) -> float:
    """Find the share of a range that leaves the least squared error.

    Args:
        low: smallest value, 0 or less where both sides are used.
        high: largest value.
        count: how many values lie in each of as many equal parts.
    """
    edges = np.linspace(low, high, len(count) + 1)
    middles = (edges[:-1] + edges[1:]) / 2

    def error(share: float) -> float:
        cut = middles - middles.clip(low * share, high * share)
        step = (max(high, 0.0) - min(low, 0.0)) * share / _STEPS
        # A rounded value is off by up to half a step either way, evenly: step² / 12.
        return float((count * np.where(cut == 0, step**2 / 12, cut**2)).sum())

    return float(min(_SHARES[::-1], key=error))
