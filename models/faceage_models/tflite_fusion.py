"""Fold a RELU of its own into the operation before it.

Else that operation's output is quantized with all the negative numbers that RELU throws away: in
BlazeFace hundreds of times as many as it keeps.
"""

from typing import Any

from faceage_models.tflite_edit import remove_unused
from faceage_models.tflite_graph import load_graph, operator_name, save_graph

__all__ = ["fuse_relu"]

_BEFORE = ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D")
# ActivationFunctionType of the schema.
_NONE, _RELU = 0, 1


def fuse_relu(data: bytes, where: str) -> bytes:
    """Let additions and convolutions do their own RELU; the outputs stay the same to the bit.

    Args:
        data: a .tflite file.
        where: its name, for messages.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data, where)
    graph = model.subgraphs[0]
    makers = {int(i): operator for operator in graph.operators for i in operator.outputs}
    readers: dict[int, int] = {}
    for operator in graph.operators:
        for index in map(int, operator.inputs):
            readers[index] = readers.get(index, 0) + 1
    given = {int(i) for i in graph.outputs}
    fused = False
    for relu in list(graph.operators):
        if operator_name(model, relu) != "RELU":
            continue
        index = int(relu.inputs[0])
        before = makers.get(index)
        if before is None or index in given or readers[index] != 1 or not _can(model, before):
            continue
        before.builtinOptions.fusedActivationFunction = _RELU
        before.outputs = relu.outputs
        graph.operators.remove(relu)
        fused = True
    return remove_unused(save_graph(model)) if fused else data


def _can(model: Any, operator: Any) -> bool:
    options = operator.builtinOptions
    return (
        operator_name(model, operator) in _BEFORE
        and options is not None
        and options.fusedActivationFunction == _NONE
    )
