"""The operators that a model may use on the device."""

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, Operator

__all__ = ["EDGE_TPU", "OPERATOR_NAMES", "operator_names", "refuse_unknown"]

# BuiltinOperator numbers of the TensorFlow Lite schema. The list holds what convolutional face
# models are made of; control flow, variables, custom code and file access are not on it, so a
# file cannot bring behaviour that a picture in and numbers out do not need.
OPERATOR_NAMES = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL",
    19: "RELU", 20: "RELU_N1_TO_1", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR",
    25: "SOFTMAX", 28: "TANH", 34: "PAD", 36: "GATHER",
    37: "BATCH_TO_SPACE_ND", 38: "SPACE_TO_BATCH_ND", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 47: "EXP", 49: "SPLIT", 54: "PRELU",
    55: "MAXIMUM", 57: "MINIMUM", 59: "NEG", 60: "PADV2", 65: "SLICE", 67: "TRANSPOSE_CONV",
    70: "EXPAND_DIMS", 74: "SUM", 75: "SQRT", 76: "RSQRT", 82: "REDUCE_MAX", 83: "PACK",
    92: "SQUARE", 97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU", 99: "SQUARED_DIFFERENCE",
    114: "QUANTIZE", 117: "HARD_SWISH", 126: "BATCH_MATMUL", 150: "GELU",
}  # fmt: skip

# What the Edge TPU compiler puts in place of all that it maps.
EDGE_TPU = "edgetpu-custom-op"
# The last operation of SSD detectors; every TensorFlow Lite runtime has it.
_POST_PROCESS = "TFLite_Detection_PostProcess"
_KNOWN_CUSTOM = (EDGE_TPU, _POST_PROCESS)
_CUSTOM = 32


def operator_names(model: ModelFile) -> tuple[str, ...]:
    """The model's operators in order of execution, by name (`builtin N` or `custom 'NAME'` for
    unknown ones)."""
    return tuple(_name(operator) for operator in model.operators)


def _name(operator: Operator) -> str:
    if operator.code != _CUSTOM:
        return OPERATOR_NAMES.get(operator.code, f"builtin {operator.code}")
    # Told apart from built-in ones, since a custom operator may be called anything.
    known = operator.custom in _KNOWN_CUSTOM
    return operator.custom if known else f"custom {operator.custom!r}"


def refuse_unknown(model: ModelFile, where: str) -> None:
    """Refuse a model that holds an operator outside the list or more than one graph.

    Raises:
        ModelFileError: naming what was found.
    """
    allowed = {*OPERATOR_NAMES.values(), *_KNOWN_CUSTOM}
    unknown = sorted(set(operator_names(model)) - allowed)
    if unknown:
        raise ModelFileError(
            f"{where} uses {', '.join(unknown)}, which a face model does not need and this runtime "
            "does not run; convert the model with faceage-convert"
        )
    if model.subgraphs != 1:
        raise ModelFileError(f"{where} holds {model.subgraphs} graphs, expected one")
