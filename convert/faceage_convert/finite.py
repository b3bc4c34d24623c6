"""Refuse a model whose stored numbers are not finite, before a rectifier can hide it."""

import numpy as np

from faceage_edge.errors import ModelFileError
from faceage_models.tflite_graph import load_graph, tensor_name

__all__ = ["check_finite"]

# FLOAT32 and FLOAT16 of the schema.
_FLOATS = {0: np.float32, 1: np.float16}


def check_finite(model: bytes, where: str) -> None:
    """Look at every stored float number of a model.

    A NaN among a layer's weights need not be seen in its outputs: kernels that cut at 0 may turn it
    into 0. What is quantized from it is worthless all the same.

    Args:
        model: the whole .tflite file.
        where: its name, for messages.

    Raises:
        ModelFileError: naming the tensor that holds NaN or infinity, and how many.
    """
    tree = load_graph(model, where)
    for tensor in tree.subgraphs[0].tensors:
        data = tree.buffers[tensor.buffer].data
        if data is None or tensor.type not in _FLOATS:
            continue
        values = np.frombuffer(bytes(data), _FLOATS[tensor.type])
        if values.size < 2:  # the minus infinity that a maximum is padded with
            continue
        wrong = values.size - int(np.isfinite(values).sum())
        if wrong:
            raise ModelFileError(
                f"{where}: {wrong} of the {values.size} numbers of {tensor_name(tensor)!r} are NaN "
                "or infinite, expected finite weights; the training has diverged: export an "
                "earlier state of the model"
            )
