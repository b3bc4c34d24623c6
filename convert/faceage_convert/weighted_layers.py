"""The layers of a .tflite graph that multiply what they are given by stored weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_models.tflite_graph import operator_name, tensor_name

__all__ = ["Layer", "float_values", "int8_scales", "int8_weights", "layers_of", "set_floats"]

Floats = npt.NDArray[np.float64]

# Weights are (out, height, width, in), depthwise (1, height, width, out), dense (out, in); the
# number is the axis of the output channels.
_OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
_FLOAT32, _INT8 = 0, 9  # of the schema


@dataclass(frozen=True)
class Layer:
    """One operator with weights: its kind, itself, and its tensors as the schema's objects; `bias`
    is None where it has none."""

    kind: str
    operator: Any
    picture: Any
    weights: Any
    bias: Any | None
    result: Any

    @property
    def name(self) -> str:
        """The name of its weights, which quantization keeps."""
        return tensor_name(self.weights)

    @property
    def output_axis(self) -> int:
        """The axis of its weights along which its output channels lie."""
        return _OUTPUT_AXIS[self.kind]


def layers_of(tree: Any) -> Iterator[Layer]:
    """The weighted layers of an unpacked graph, in order of execution."""
    tensors = tree.subgraphs[0].tensors
    for operator in tree.subgraphs[0].operators:
        kind = operator_name(tree, operator)
        if kind not in _OUTPUT_AXIS or len(operator.inputs) < 2 or min(operator.inputs[:2]) < 0:
            continue
        picture, weights = (tensors[i] for i in operator.inputs[:2])
        with_bias = len(operator.inputs) == 3 and operator.inputs[2] >= 0
        bias = tensors[operator.inputs[2]] if with_bias else None
        yield Layer(kind, operator, picture, weights, bias, tensors[operator.outputs[0]])


def float_values(tree: Any, tensor: Any) -> Floats | None:
    """A constant float32 tensor's numbers in its shape; None for one of another kind."""
    data = tree.buffers[tensor.buffer].data
    if tensor.type != _FLOAT32 or data is None:  # None where it is computed, not stored
        return None
    return np.frombuffer(bytes(data), np.float32).reshape(tensor.shape).astype(np.float64)


def set_floats(tree: Any, tensor: Any, values: Floats) -> None:
    """Store other numbers in a constant float32 tensor."""
    stored = np.ascontiguousarray(values, dtype=np.float32)
    tree.buffers[tensor.buffer].data = stored.reshape(-1).view(np.uint8)


def int8_scales(tree: Any) -> dict[str, Floats]:
    """Of every layer with int8 weights, by their name, the size of a step: of the weights' number
    of dimensions, with a side for each output channel or 1."""
    found = {}
    for layer in layers_of(tree):
        if layer.weights.type != _INT8 or tree.buffers[layer.weights.buffer].data is None:
            continue
        scales = np.asarray(layer.weights.quantization.scale, dtype=np.float64)
        shape = [1] * len(layer.weights.shape)
        shape[layer.output_axis] = -1
        found[layer.name] = scales.reshape(shape)
    return found


def int8_weights(tree: Any) -> dict[str, Floats]:
    """The int8 weights of a quantized graph as the real numbers they stand for, by name."""
    found = {}
    scales = int8_scales(tree)
    for layer in layers_of(tree):
        if layer.name in scales:
            data = np.frombuffer(bytes(tree.buffers[layer.weights.buffer].data), np.int8)
            found[layer.name] = data.reshape(layer.weights.shape) * scales[layer.name]
    return found
