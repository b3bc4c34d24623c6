"""Let the channels between two layers span alike, so that all of them get the int8 steps there are.

One scale holds all channels of an activation, and a channel that reaches a tenth of the fullest has
a tenth of its steps. What a layer makes of channel c can be divided by s if the next layer
multiplies it by s again: with a ReLU between, the function stays the same (Nagel, van Baalen,
Blankevoort, Welling, "Data-free quantization through weight equalization and bias correction", ICCV
2019, arXiv:1906.04721, section 4.1). The authors equalise the ranges of the weights; ours have a
scale for each output channel, so that what is left to equalise is what faces show of the
activations.

They put ReLU in the place of ReLU6, which such a scaling moves the end of. Here no channel is
raised above what the fullest one reaches, so ReLU6 cuts off nothing on the calibration faces that
it did not cut off before, and stays: the graph has the same operators and runs as fast.

That paper goes half way, to the geometric mean of two ranges of weights. A channel is raised all
the way here: a depthwise layer that reads it has a scale for each channel, and of other layers the
smaller weights among the larger ones of their row lose less than the activations gain.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.ranges import Ranges
from faceage_convert.weighted_layers import Layer, float_values, layers_of, set_floats
from faceage_models.tflite_graph import load_graph, save_graph, tensor_name

__all__ = ["equalise"]

Floats = npt.NDArray[np.float64]

# Activations of the schema between which and a scaling nothing changes: RELU, and RELU6 (above).
_SCALABLE = (1, 3)
# A channel is raised 64 times at most: faces that were not seen may show more of it.
_LEAST = 1 / 64


def equalise(model: bytes, ranges: Ranges, where: str) -> tuple[bytes, Ranges]:
    """Scale channels that reach less than the fullest of their tensor.

    Args:
        model: a float .tflite file.
        ranges: recorded on it, with the peaks of channels; without any, nothing is changed.
        where: the model's name, for messages.

    Returns:
        A float file that answers alike, and the ranges as they would be recorded on it.
    """
    tree = load_graph(model, where)
    found = list(layers_of(tree))
    by_picture = {id(layer.picture): layer for layer in found}
    scales: dict[str, Floats] = {}
    for first in found:
        name, second = tensor_name(first.result), by_picture.get(id(first.result))
        if second is None or name not in ranges.peaks or not _scalable(tree, first, second):
            continue
        raised = _raised(np.array(ranges.peaks[name]))
        if _scale(tree, first, second, raised):
            scales[name] = raised
    if not scales:
        return model, ranges
    return save_graph(tree), _scaled(ranges, scales)


def _raised(peaks: Floats) -> Floats:
    """What each channel is divided by: its share of the fullest, 1 where nothing was seen of it."""
    share = np.where(peaks > 0, peaks / max(peaks.max(), np.finfo(np.float64).tiny), 1.0)
    return np.maximum(share, _LEAST)


def _scalable(tree: Any, first: Layer, second: Layer) -> bool:
    """Whether the second layer alone reads what the first one makes, and nobody else their
    weights."""
    graph = tree.subgraphs[0]
    read = [int(i) for operator in graph.operators for i in operator.inputs]
    result = int(first.operator.outputs[0])
    theirs = [first.operator.inputs[1], second.operator.inputs[1], *first.operator.inputs[2:]]
    return (
        first.operator.builtinOptions.fusedActivationFunction in _SCALABLE
        and first.bias is not None
        and read.count(result) == 1
        and result not in list(graph.outputs)
        and all(_alone(graph, int(i), read) for i in theirs)
    )


def _alone(graph: Any, tensor: int, read: list[int]) -> bool:
    buffer = graph.tensors[tensor].buffer
    return read.count(tensor) == 1 and sum(one.buffer == buffer for one in graph.tensors) == 1


def _scale(tree: Any, first: Layer, second: Layer, raised: Floats) -> bool:
    """Divide the first layer's channels and multiply the second's; False where they do not fit."""
    before, after = (float_values(tree, layer.weights) for layer in (first, second))
    offsets = float_values(tree, first.bias)
    if before is None or after is None or offsets is None:
        return False
    reading = raised
    if second.kind == "DEPTHWISE_CONV_2D":
        # One filter an input channel, or several: channel o of the output belongs to o // several.
        reading = np.repeat(raised, after.shape[3] // len(raised))
    if len(offsets) != len(raised) or after.shape[-1] != len(reading):
        return False  # in groups, or a flattened map
    making = np.moveaxis(before, first.output_axis, -1) / raised
    set_floats(tree, first.weights, np.moveaxis(making, -1, first.output_axis))
    set_floats(tree, first.bias, offsets / raised)
    set_floats(tree, second.weights, after * reading)
    return True


def _scaled(ranges: Ranges, scales: dict[str, Floats]) -> Ranges:
    """The fullest channel stays as it is, and so does each tensor's range."""

    def by_channel(rows: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        return {
            name: tuple((np.array(row) / scales[name]).tolist()) if name in scales else row
            for name, row in rows.items()
        }

    return replace(ranges, means=by_channel(ranges.means), peaks=by_channel(ranges.peaks))
