"""Give the tensors of a converted graph short names after the layers they come from.

The converter joins the names of every operation that it merged, hundreds of characters for a
normalised convolution. Ranges and reports refer to tensors by name, so names should be readable and
should not change when the converter merges differently.
"""

import re
from typing import Any

from faceage_models.tflite_graph import load_graph, save_graph, tensor_name

__all__ = ["name_by_layer"]

# "model/layer_1/Operation;..." as the converter writes it: Keras counts each scope, hence the _1.
_SCOPED = re.compile(r"[^/;]+/(?P<layer>[^;]+?)(_\d+)?/[^/;]+(;.*)?$")


def name_by_layer(data: bytes) -> bytes:
    """Rename every tensor but the graph's inputs and outputs.

    A result is called after its layer ("conv1_relu"), a constant after the result it serves
    ("conv1_relu/weights", "conv1_relu/bias"). A name that is taken gets a number.

    Args:
        data: a float .tflite converted from a Keras model.

    Returns:
        The file with new tensor names, otherwise the same.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    graph = model.subgraphs[0]
    fixed = {int(i) for i in (*graph.inputs, *graph.outputs)}
    names = {i: tensor_name(graph.tensors[i]) for i in fixed}
    for operator in graph.operators:
        for index in operator.outputs:
            _claim(names, int(index), _layer(tensor_name(graph.tensors[index])))
        result = names[int(operator.outputs[0])]
        constants = [int(i) for i in operator.inputs if i >= 0 and _is_constant(model, int(i))]
        for index, role in zip(constants, ("weights", "bias", "constant"), strict=False):
            _claim(names, index, f"{result}/{role}")
    for index, name in names.items():
        graph.tensors[index].name = name
    return save_graph(model)


def _layer(name: str) -> str:
    match = _SCOPED.match(name)
    return match["layer"] if match else name.split(";")[0]


def _claim(names: dict[int, str], index: int, wish: str) -> None:
    if index in names:
        return
    taken = set(names.values())
    name, count = wish, 1
    while name in taken:
        count += 1
        name = f"{wish}:{count}"
    names[index] = name


def _is_constant(model: Any, index: int) -> bool:
    buffer = model.buffers[model.subgraphs[0].tensors[index].buffer]
    return buffer.data is not None and len(buffer.data) > 0
