"""Write a dilated convolution as one operation.

Old converters write it as three: the picture is dealt out into a batch, convolved, and put together
again. The quantizer leaves the two outer ones in float.
"""

from typing import Any

import numpy as np

from faceage_models.tflite_edit import remove_unused
from faceage_models.tflite_graph import load_graph, operator_name, save_graph

__all__ = ["fold_dilations"]

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_VALID = 1


def fold_dilations(data: bytes, where: str) -> bytes:
    """Fold SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND into the convolution.

    Only where nothing is padded or cropped; a file without such a group is returned as it is.

    Args:
        data: a .tflite file whose constants are folded.
        where: its name, for messages.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data, where)
    graph = model.subgraphs[0]
    makers = {int(i): operator for operator in graph.operators for i in operator.outputs}
    folded = False
    for last in list(graph.operators):
        if operator_name(model, last) != "BATCH_TO_SPACE_ND":
            continue
        middle = makers.get(int(last.inputs[0]))
        first = makers.get(int(middle.inputs[0])) if middle is not None else None
        if middle is None or first is None or not _is_dilation(model, first, middle, last):
            continue
        down, across = (int(side) for side in _value(model, first.inputs[1]))
        middle.builtinOptions.dilationHFactor = down
        middle.builtinOptions.dilationWFactor = across
        middle.inputs = np.array([first.inputs[0], *middle.inputs[1:]], np.int32)
        middle.outputs = last.outputs
        graph.operators.remove(first)
        graph.operators.remove(last)
        folded = True
    return remove_unused(save_graph(model)) if folded else data


def _is_dilation(model: Any, first: Any, middle: Any, last: Any) -> bool:
    if operator_name(model, first) != "SPACE_TO_BATCH_ND":
        return False
    if operator_name(model, middle) not in _CONVOLUTIONS:
        return False
    options = middle.builtinOptions
    plain = (options.strideW, options.strideH, options.dilationWFactor, options.dilationHFactor)
    blocks = [_value(model, operator.inputs[1]) for operator in (first, last)]
    margins = [_value(model, operator.inputs[2]) for operator in (first, last)]
    readers = [
        operator
        for operator in model.subgraphs[0].operators
        if {int(first.outputs[0]), int(middle.outputs[0])} & {int(i) for i in operator.inputs}
    ]
    return (
        options.padding == _VALID
        and plain == (1, 1, 1, 1)
        and np.array_equal(*blocks)
        and blocks[0].size == 2
        and not any(margin.any() for margin in margins)
        and len(readers) == 2
    )


def _value(model: Any, index: Any) -> Any:
    """The numbers of an int32 constant; one that is none has no numbers."""
    data = model.buffers[model.subgraphs[0].tensors[index].buffer].data
    raw = np.array([] if data is None else data, np.uint8)
    return raw.view(np.int32)
