"""Name a model's quantization by what its file holds, never by what was asked for."""

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, Operator, TensorInfo
from faceage_edge.operators import operator_names

__all__ = ["check_int8", "read_scheme"]

# Which axis of each operator's weights is the output channel (TensorFlow Lite quantization
# specification); FULLY_CONNECTED must have one scale for the whole tensor, because the Edge TPU
# compiler and older runtimes mishandle more.
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}


def read_scheme(model: ModelFile) -> str:
    """Read a model's quantization scheme back from its file.

    Returns:
        `int8` when every number that flows through the graph is int8 (biases int32),
        `float32` when nothing is quantized, otherwise `mixed` and the types found, in words.
    """
    used = [*model.inputs, *model.outputs]
    used += [tensor for operator in model.operators for tensor in _tensors(model, operator)]
    kinds = {tensor.dtype for tensor in used}
    if kinds <= {"float32", "int32"}:
        return "float32"
    flowing = {tensor.dtype for tensor in used if not tensor.constant}
    if flowing == {"int8"} and kinds <= {"int8", "int32"}:
        return "int8"
    return "mixed " + "+".join(sorted(kinds))


def check_int8(model: ModelFile, where: str) -> None:
    """Hold a file to what int8 means: inputs, outputs, every weight and the axis of its scales.

    Raises:
        ModelFileError: naming the operators or the first tensor that are not as they should be.
    """
    floating = _floating(model)
    if floating:
        raise ModelFileError(
            f"{where}: {', '.join(floating)} stay in float32, expected int8 throughout; build the "
            "model of operators that quantize (convolution, dense, pooling, addition, ReLU)"
        )
    for tensor in (*model.inputs, *model.outputs):
        if tensor.dtype != "int8":
            raise ModelFileError(f"{where}: {tensor.name!r} is {tensor.dtype}, expected int8")
    for operator, kind in zip(model.operators, operator_names(model), strict=True):
        if kind in {*_CHANNEL_AXIS, "FULLY_CONNECTED"}:
            _check_weights(model.tensors[operator.inputs[1]], kind, where)
    scheme = read_scheme(model)
    if scheme != "int8":
        raise ModelFileError(f"{where}: the file holds {scheme} numbers, expected int8 only")


def _floating(model: ModelFile) -> list[str]:
    """The kinds of operators that give float numbers, those that only translate left out."""
    return sorted(
        {
            kind
            for operator, kind in zip(model.operators, operator_names(model), strict=True)
            if kind not in {"QUANTIZE", "DEQUANTIZE"}
            and any(model.tensors[i].dtype == "float32" for i in operator.outputs)
        }
    )


def _check_weights(weights: TensorInfo, operator: str, where: str) -> None:
    if weights.dtype != "int8" or any(weights.zero_points):
        raise ModelFileError(
            f"{where}: the weights {weights.name!r} of a {operator} are {weights.dtype} with zero "
            f"points {set(weights.zero_points)}, expected int8 around 0"
        )
    axis = _CHANNEL_AXIS.get(operator)
    expected = 1 if axis is None else weights.shape[axis]
    if len(weights.scales) != expected or (expected > 1 and weights.axis != axis):
        raise ModelFileError(
            f"{where}: the weights {weights.name!r} of a {operator} have {len(weights.scales)} "
            f"scales along axis {weights.axis}, expected {expected}"
            + ("" if axis is None else f" along axis {axis}")
        )


def _tensors(model: ModelFile, operator: Operator) -> list[TensorInfo]:
    # -1 marks an optional input that is left out.
    return [model.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
