"""Padding that int8 can hold: PyTorch pads what it pools with minus infinity.

A range that begins at minus infinity has no scale. Behind a ReLU nothing is below nought, so that
nought pads a maximum just as well.
"""

import struct
from typing import Any

import numpy as np

from faceage_models.tflite_graph import load_graph, operator_name, save_graph

__all__ = ["finite_padding"]

# ActivationFunctionType of the TensorFlow Lite schema: RELU, RELU_N1_TO_1, RELU6.
_RELU, _RELU6 = 1, 3


def finite_padding(data: bytes) -> bytes:
    """Replace minus infinity by nought where a ReLU's result is padded.

    Args:
        data: a float .tflite.

    Returns:
        The file, the very same where nothing is padded so.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    graph = model.subgraphs[0]
    makers = {int(i): operator for operator in graph.operators for i in operator.outputs}
    changed = False
    for operator in graph.operators:
        if operator_name(model, operator) != "PADV2":
            continue
        picture, value = int(operator.inputs[0]), int(operator.inputs[2])
        buffer = model.buffers[graph.tensors[value].buffer]
        if _is_lowest(buffer) and _is_rectified(model, makers.get(picture)):
            buffer.data = np.frombuffer(struct.pack("<f", 0.0), np.uint8)
            changed = True
    return save_graph(model) if changed else data


def _is_lowest(buffer: Any) -> bool:
    if buffer.data is None or len(buffer.data) != 4:
        return False
    (value,) = struct.unpack("<f", bytes(bytearray(buffer.data)))
    return bool(value <= np.finfo(np.float32).min)


def _is_rectified(model: Any, operator: Any) -> bool:
    if operator is None:
        return False
    fused = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
    return fused in (_RELU, _RELU6) or operator_name(model, operator) in ("RELU", "RELU6")
