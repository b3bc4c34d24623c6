"""What a .tflite graph costs, counted from its shapes: multiply-adds, parameters, operations."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from faceage_edge.errors import ModelFileError
from faceage_models.tflite_graph import load_graph, operator_name

__all__ = ["GraphCost", "graph_cost"]


@dataclass(frozen=True)
class GraphCost:
    """The cost of one call of a graph, for the batch that the file declares.

    `multiply_adds` counts convolutions and dense layers (biases, pooling and comparisons left
    out), `parameters` the numbers that the file stores for them, `operations` how often each kind
    of operation stands in the graph.
    """

    multiply_adds: int
    parameters: int
    operations: dict[str, int]


def graph_cost(data: bytes) -> GraphCost:
    """Count what one call of a .tflite model costs.

    Args:
        data: the whole file, float or quantized.

    Returns:
        The counts.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    tensors = model.subgraphs[0].tensors
    names: Counter[str] = Counter()
    multiply_adds, weights = 0, set()
    for operator in model.subgraphs[0].operators:
        kind = operator_name(model, operator)
        names[kind] += 1
        if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        try:
            multiply_adds += _multiply_adds(kind, operator, tensors)
        except (IndexError, TypeError) as error:
            raise ModelFileError(
                f"the model is damaged: a {kind} without weights or without their shape"
            ) from error
        weights |= {int(i) for i in operator.inputs[1:] if i >= 0}
    parameters = sum(_size(tensors[i].shape) for i in weights)
    return GraphCost(multiply_adds, parameters, dict(sorted(names.items())))


def _multiply_adds(kind: str, operator: Any, tensors: Any) -> int:
    result, kernel = tensors[operator.outputs[0]].shape, tensors[operator.inputs[1]].shape
    # A depthwise kernel (1, height, width, channels) makes one output of each of its channels.
    per_result = kernel[1:3] if kind == "DEPTHWISE_CONV_2D" else kernel[1:]
    return _size(result) * _size(per_result)


def _size(shape: Any) -> int:
    """Numbers in a tensor; a shape that is left out is that of a single one."""
    return math.prod(int(side) for side in ([] if shape is None else shape))
