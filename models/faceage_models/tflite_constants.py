"""Compute once what a .tflite graph would compute anew for every picture.

Files that people bring hold weights as float16 with an operation that widens each, and shapes that
are put together as the graph runs; neither can be quantized. Both depend on no picture.
"""

from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError
from faceage_edge.interpreter import open_interpreter
from faceage_models.tflite_edit import remove_unused
from faceage_models.tflite_graph import load_graph, operator_name, save_graph

__all__ = ["fold_constants"]

# TensorType of the schema, of what folding can give.
_TYPES = {np.dtype(np.float32): 0, np.dtype(np.int32): 2, np.dtype(np.int64): 4}


def fold_constants(data: bytes, where: str) -> bytes:
    """Replace what depends on constants and shapes only by its value, and state every shape.

    Args:
        data: a .tflite file whose input has a fixed size; it is run once, on zeros.
        where: its name, for messages.

    Returns:
        The file; it gives the same outputs.

    Raises:
        ModelFileError: the file is damaged, does not run, or its outputs' shapes depend on the
            picture.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data, where)
    graph = model.subgraphs[0]
    interpreter = _ran(data, where)
    details = {item["index"]: item for item in interpreter.get_tensor_details()}
    known = {i for i, tensor in enumerate(graph.tensors) if _has_data(model, tensor)}
    kept = []
    for operator in graph.operators:
        taken = {int(i) for i in operator.inputs if i >= 0}
        if operator_name(model, operator) != "SHAPE" and not (taken and taken <= known):
            kept.append(operator)
            continue
        for index in map(int, operator.outputs):
            _set_value(model, graph.tensors[index], interpreter.get_tensor(index))
            known.add(index)
    graph.operators = kept
    for index, tensor in enumerate(graph.tensors):
        if index not in known and index in details:
            tensor.shape = np.array(details[index]["shape"], np.int32)
        tensor.shapeSignature = None
    return remove_unused(save_graph(model))


def _ran(data: bytes, where: str) -> Any:
    """An interpreter that has seen one picture of zeros and kept every tensor."""
    interpreter = open_interpreter(data, where, xnnpack=False, preserve_all=True)
    for item in interpreter.get_input_details():
        interpreter.set_tensor(item["index"], np.zeros(item["shape"], item["dtype"]))
    try:
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{where} does not run: {str(error).strip()}") from error
    return interpreter


def _has_data(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _set_value(model: Any, tensor: Any, value: Any) -> None:
    from ai_edge_litert.schema_py_generated import BufferT

    if value.dtype not in _TYPES:
        raise ModelFileError(
            f"cannot fold a constant of {value.dtype}; export the model again with float32 weights"
        )
    buffer = BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
    tensor.buffer = len(model.buffers)
    tensor.type, tensor.shape = _TYPES[value.dtype], np.array(value.shape, np.int32)
    tensor.quantization = None
    model.buffers.append(buffer)
