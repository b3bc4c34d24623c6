"""Take out of the biases what rounding the weights adds on average.

Rounded weights W + e turn an input x into W x + e x. The mean of e x over faces is known from the
mean of x, and subtracting it from the bias leaves the rounding's noise without its shift (Nagel,
van Baalen, Blankevoort, Welling, "Data-free quantization through weight equalization and bias
correction", ICCV 2019, section 4.2). On the pilot age model the shift was half a year.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_models.tflite_graph import load_graph, operator_name, save_graph, tensor_name

__all__ = ["correct_biases"]

Floats = npt.NDArray[np.float64]

# Weights are (out, height, width, in), depthwise (1, height, width, out), dense (out, in); the
# number is the axis of the output channels.
_OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}


def correct_biases(
    model: bytes, quantized: bytes, means: Mapping[str, tuple[float, ...]], where: str
) -> bytes:
    """Change a float model's biases so that its quantized file's layers have the float means.

    Padding counts as if it held the mean too, which overstates the correction at a picture's edge.

    Args:
        model: a float .tflite file.
        quantized: the int8 file made of it, whose weights are read back.
        means: the mean of every channel of the inputs of its weighted layers, by tensor name.
        where: the model's name, for messages.

    Returns:
        The float file to quantize instead; layers without a bias, or whose means are not known,
        are as they were.
    """
    tree = load_graph(model, where)
    rounded = _weights_by_name(load_graph(quantized, where))
    tensors = tree.subgraphs[0].tensors
    for operator in tree.subgraphs[0].operators:
        kind = operator_name(tree, operator)
        if kind not in _OUTPUT_AXIS or len(operator.inputs) != 3 or operator.inputs[2] < 0:
            continue
        picture, weights, bias = (tensors[i] for i in operator.inputs)
        mean = means.get(tensor_name(picture))
        after = rounded.get(tensor_name(weights))
        if mean is None or after is None or weights.type != 0 or bias.type != 0:
            continue
        buffer = tree.buffers[bias.buffer]
        if buffer.data is None:  # a bias that is computed, not stored
            continue
        shift = _mean_shift(after - _float_weights(tree, weights), np.array(mean), kind)
        offsets = np.frombuffer(bytes(buffer.data), np.float32) - shift
        buffer.data = offsets.astype(np.float32).view(np.uint8)
    return save_graph(tree)


def _mean_shift(error: Floats, mean: Floats, kind: str) -> Floats:
    """What weights that are off by `error` add to each output channel on an average input."""
    if kind == "DEPTHWISE_CONV_2D":
        # One filter an input channel, or several: channel o of the output belongs to o // several.
        several = error.shape[3] // len(mean)
        return np.asarray(error.sum(axis=(0, 1, 2)) * np.repeat(mean, several))
    by_input = error.reshape(len(error), -1, error.shape[-1]).sum(axis=1)
    # A dense layer may read a flattened map: its inputs then repeat the channels.
    return np.asarray(by_input @ np.resize(mean, by_input.shape[1]))


def _float_weights(tree: Any, tensor: Any) -> Floats:
    data = np.frombuffer(bytes(tree.buffers[tensor.buffer].data), np.float32)
    return data.reshape(tensor.shape).astype(np.float64)


def _weights_by_name(tree: Any) -> dict[str, Floats]:
    """The int8 weights of a quantized graph as the real numbers they stand for."""
    found = {}
    for operator in tree.subgraphs[0].operators:
        axis = _OUTPUT_AXIS.get(operator_name(tree, operator))
        if axis is None:
            continue
        tensor = tree.subgraphs[0].tensors[operator.inputs[1]]
        data = tree.buffers[tensor.buffer].data
        if data is None or tensor.type != 9:  # INT8 of the schema
            continue
        steps = np.frombuffer(bytes(data), np.int8).reshape(tensor.shape).astype(np.float64)
        scales = np.asarray(tensor.quantization.scale, dtype=np.float64)
        shape = [1] * steps.ndim
        shape[axis] = -1
        found[tensor_name(tensor)] = steps * (scales.reshape(shape) if len(scales) > 1 else scales)
    return found
