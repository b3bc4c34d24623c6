"""Keep the bias of channels that have no weights to speak of.

A bias is quantized with the scale input * weights, so a channel whose weights are all but zero
(pruned, or dead since training) has a scale so small that its bias does not fit 32 bits and is cut
off: a channel that should add a constant adds nothing. One weight is then raised just so far that
the bias fits. What that adds to a result is below 4e-5 of the bias.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_models.tflite_graph import load_graph, operator_name, save_graph

__all__ = ["raise_dead_channels"]

# Where the channels are; other operators have one scale for all their weights.
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
# RELU and RELU6 of the schema: what is cut off below zero is cut off anyway.
_CUTS_BELOW_ZERO = (1, 3)
# Half of what a 32-bit bias holds, since the quantizer rounds scales its own way.
_LARGEST_BIAS = 2.0**30


def raise_dead_channels(
    model: bytes, ranges: Mapping[str, tuple[float, float]], where: str
) -> bytes:
    """Raise a weight in every channel whose bias would not survive quantization.

    Args:
        model: a float .tflite file.
        ranges: smallest and largest value of every tensor.
        where: the model's name, for messages.

    Returns:
        The file, the same bytes where there is no such channel.
    """
    tree = load_graph(model, where)
    raised = [
        _raise(tree, operator, _CHANNEL_AXIS[kind], ranges)
        for operator in tree.subgraphs[0].operators
        if (kind := operator_name(tree, operator)) in _CHANNEL_AXIS and len(operator.inputs) == 3
    ]
    return save_graph(tree) if any(raised) else model


def _raise(tree: Any, operator: Any, axis: int, ranges: Mapping[str, tuple[float, float]]) -> bool:
    picture, weights, bias = (tree.subgraphs[0].tensors[i] for i in operator.inputs)
    values, offsets = _floats(tree, weights), _floats(tree, bias)
    name = picture.name.decode()
    if values is None or offsets is None or name not in ranges:
        return False
    low, high = ranges[name]
    input_scale = (max(high, 0.0) - min(low, 0.0)) / 255
    if not input_scale:
        return False
    by_channel = np.moveaxis(values.reshape(weights.shape), axis, 0).reshape(len(offsets), -1)
    needed = np.abs(offsets) * 127 / (input_scale * _LARGEST_BIAS)
    dead = np.abs(by_channel).max(axis=1) < needed
    if operator.builtinOptions.fusedActivationFunction in _CUTS_BELOW_ZERO:
        dead &= offsets > 0
    if not dead.any():
        return False
    changed = np.array(values).reshape(weights.shape)
    # A view: writing through it changes the array.
    np.moveaxis(changed, axis, 0)[dead, ..., 0] = needed[dead].reshape(-1, 1, 1)
    tree.buffers[weights.buffer].data = changed.reshape(-1).view(np.uint8)
    return True


def _floats(tree: Any, tensor: Any) -> npt.NDArray[np.float32] | None:
    data = tree.buffers[tensor.buffer].data
    if data is None or tensor.type != 0:  # FLOAT32 of the schema
        return None
    return np.frombuffer(bytes(data), np.float32)
