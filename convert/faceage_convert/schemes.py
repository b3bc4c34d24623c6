"""Name a model's quantization by what its file holds, never by what was asked for."""

from collections import Counter

from faceage_convert.recipes import INT8, Recipe
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, Operator, TensorInfo
from faceage_edge.operators import operator_names

__all__ = ["check_int8", "check_scheme", "check_weights", "read_scheme"]

# Which axis of each operator's weights is the output channel (TensorFlow Lite quantization
# specification); FULLY_CONNECTED must have one scale for the whole tensor, because the Edge TPU
# compiler and older runtimes mishandle more.
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
# They change how a number is written, and compute nothing.
_TRANSLATORS = ("QUANTIZE", "DEQUANTIZE")


def read_scheme(model: ModelFile) -> str:
    """Read a model's quantization scheme back from its file.

    Returns:
        `float32` when nothing is quantized; `int8` when every number that flows through the graph
        is int8 (biases int32); `int8-float-io` when only its input and outputs are float32;
        `int16x8` when int16 flows and weights are int8; `dynamic` and `float16` when float32 flows
        and weights are int8 or float16; `int8-with-N-int16x8` or `int8-with-N-float32` when N
        operators are kept so; otherwise `mixed` and the types found, in words.
    """
    used = [*model.inputs, *model.outputs]
    used += [tensor for operator in model.operators for tensor in _tensors(model, operator)]
    kinds = {tensor.dtype for tensor in used}
    flowing = {tensor.dtype for tensor in used if not tensor.constant}
    if kinds <= {"float32", "int32", "int64"}:
        return "float32"
    if flowing == {"int8"} and kinds <= {"int8", "int32"}:
        return "int8"
    if flowing == {"uint8"} and kinds <= {"uint8", "int32"}:
        return "uint8"
    if flowing == {"int16"} and kinds <= {"int16", "int8", "int32", "int64"}:
        return "int16x8"
    if flowing == {"float32"}:
        return _float_scheme(model, kinds - {"float32", "int32", "int64"}) or _mixed(kinds)
    return _int8_scheme(model) or _mixed(kinds)


def _float_scheme(model: ModelFile, stored: set[str]) -> str | None:
    if stored == {"float16"}:
        return "float16"
    # Weights that are made float again before they are used save room, and no time.
    if stored == {"int8"} and "DEQUANTIZE" not in operator_names(model):
        return "dynamic"
    return None


def _int8_scheme(model: ModelFile) -> str | None:
    """The scheme of a graph in which most is int8, else None."""
    results = Counter(
        model.tensors[operator.outputs[0]].dtype
        for operator, kind in zip(model.operators, operator_names(model), strict=True)
        if kind not in _TRANSLATORS and operator.outputs
    )
    if not results["int8"]:
        return None
    others = set(results) - {"int8"}
    if not others:
        floating = {tensor.dtype for tensor in (*model.inputs, *model.outputs)} == {"float32"}
        return "int8-float-io" if floating else None
    if others == {"float32"}:
        return f"int8-with-{results['float32']}-float32"
    return f"int8-with-{results['int16']}-int16x8" if others == {"int16"} else None


def _mixed(kinds: set[str]) -> str:
    return "mixed " + "+".join(sorted(kinds))


def check_scheme(model: ModelFile, where: str, recipe: Recipe) -> None:
    """Hold a file to the recipe that it was made by.

    Raises:
        ModelFileError: its scheme as read back is another, or the weights of an int8 layer are not
            what int8 means.
    """
    if recipe.name == INT8.name:
        check_int8(model, where)
        return
    found = read_scheme(model)
    if found != recipe.name:
        floating = _floating(model) if recipe.needs_ranges and not recipe.kept else []
        left = f" ({', '.join(floating)} stay in float32)" if floating else ""
        raise ModelFileError(
            f"{where}: the quantizer made a {found} file{left}, expected {recipe.name}; build the "
            "model of operators that quantize (convolution, dense, pooling, addition, ReLU), or "
            "choose another --quantize"
        )
    check_weights(model, where)


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
    check_weights(model, where)
    scheme = read_scheme(model)
    if scheme != "int8":
        raise ModelFileError(f"{where}: the file holds {scheme} numbers, expected int8 only")


def check_weights(model: ModelFile, where: str) -> None:
    """Hold every layer that multiplies integers to int8 weights around 0 with scales along the
    right axis.

    Raises:
        ModelFileError: naming the first weights that are not.
    """
    for operator, kind in zip(model.operators, operator_names(model), strict=True):
        if kind not in {*_CHANNEL_AXIS, "FULLY_CONNECTED"}:
            continue
        if len(operator.inputs) < 2 or min(operator.inputs[:2]) < 0:
            raise ModelFileError(
                f"{where}: a {kind} has no weights, expected some; export it again"
            )
        if model.tensors[operator.inputs[0]].dtype in ("int8", "int16"):
            _check_weights(model.tensors[operator.inputs[1]], kind, where)


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
    if axis is not None and axis >= len(weights.shape):
        raise ModelFileError(
            f"{where}: the weights {weights.name!r} of a {operator} have the shape "
            f"{weights.shape}, expected four sides; the file is damaged"
        )
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
