"""Would the Edge TPU run this file? What can be told without its compiler.

The rules are those of Coral's page "TensorFlow models on the Edge TPU" (table of supported
operations and their known limitations). The compiler dates from 2021 and refuses a whole file for
one operator whose version it does not know ("Didn't find op for builtin opcode"); the versions
below are those that TensorFlow Lite registered in 2020, which it knows at the least and which are
enough to describe int8. The first operator that is not mapped sends all behind it to the CPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faceage_edge.flatbuffer import ModelFile, Operator, TensorInfo, read_model_file
from faceage_edge.operators import EDGE_TPU, operator_names

__all__ = ["ON_CHIP_BYTES", "CoralRow", "Preflight", "preflight"]

# 8 MiB of memory on the chip, shared by all models that are loaded together.
ON_CHIP_BYTES = 8 * 1024 * 1024

# Highest operator version that is safe.
_VERSIONS = {
    "ADD": 2, "AVERAGE_POOL_2D": 2, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3,
    "EXPAND_DIMS": 1, "FULLY_CONNECTED": 6, "L2_NORMALIZATION": 2, "LOGISTIC": 2, "MAXIMUM": 4,
    "MAX_POOL_2D": 2, "MEAN": 2, "MINIMUM": 4, "MUL": 3, "PACK": 3, "PAD": 2, "PRELU": 1,
    "QUANTIZE": 2, "REDUCE_MAX": 2, "REDUCE_MIN": 2, "RELU": 2, "RELU6": 2, "RELU_N1_TO_1": 1,
    "RESHAPE": 1, "RESIZE_BILINEAR": 3, "RESIZE_NEAREST_NEIGHBOR": 2, "RSQRT": 1, "SLICE": 3,
    "SOFTMAX": 2, "SPLIT": 3, "SQUARED_DIFFERENCE": 1, "SQUEEZE": 1, "STRIDED_SLICE": 4, "SUB": 3,
    "SUM": 2, "TANH": 2, "TRANSPOSE": 4, "TRANSPOSE_CONV": 2,
}  # fmt: skip
_EIGHT_BITS = ("int8", "uint8")
_SOFTMAX_MOST = 16_000


@dataclass(frozen=True)
class CoralRow:
    """One operator: `status` is `edge-tpu`, or `cpu` with the `reason`; `bytes_on_chip` is what its
    stored numbers take there."""

    index: int
    operator: str
    version: int
    result: str
    status: str
    reason: str
    bytes_on_chip: int


@dataclass(frozen=True)
class Preflight:
    """All operators in order, and what follows.

    `first_on_cpu` is the index of the first one that is not mapped, None where all are;
    `bytes_on_chip` sums those before it.
    """

    rows: tuple[CoralRow, ...]
    first_on_cpu: int | None
    bytes_on_chip: int

    @property
    def mapped(self) -> int:
        """How many operators the Edge TPU runs."""
        return sum(row.status == "edge-tpu" for row in self.rows)


def preflight(data: bytes, where: str) -> Preflight:
    """Predict what the Edge TPU's compiler makes of a file.

    Args:
        data: the whole .tflite file.
        where: its name, for messages.

    Returns:
        One row for each operator. Bytes are those of weights and biases as stored: the compiler
        pads them, by a few per cent in files of the size of ours.

    Raises:
        ModelFileError: no TensorFlow Lite model, or a damaged one.
    """
    model = read_model_file(data, where)
    rows: list[CoralRow] = []
    stopped: int | None = None
    for index, (operator, kind) in enumerate(
        zip(model.operators, operator_names(model), strict=True)
    ):
        reason = _reason(model, operator, kind)
        if reason is None and stopped is not None:
            reason = f"behind operator {stopped}, which the CPU runs: one piece only is mapped"
        elif reason is not None and stopped is None:
            stopped = index
        rows.append(_row(model, operator, kind, index, reason))
    used = sum(row.bytes_on_chip for row in rows if row.status == "edge-tpu")
    return Preflight(tuple(rows), stopped, used)


def _row(
    model: ModelFile, operator: Operator, kind: str, index: int, reason: str | None
) -> CoralRow:
    stored = [t for t in _tensors(model, operator.inputs) if t.constant]
    results = _tensors(model, operator.outputs)
    return CoralRow(
        index=index,
        operator=kind,
        version=operator.version,
        result=results[0].name if results else "",
        status="edge-tpu" if reason is None else "cpu",
        reason=reason or "",
        bytes_on_chip=sum(_bytes(tensor) for tensor in stored),
    )


def _reason(model: ModelFile, operator: Operator, kind: str) -> str | None:
    """Why the CPU has to run an operator; None where nothing is known against it."""
    if kind == EDGE_TPU:
        return None
    if kind not in _VERSIONS:
        return f"{kind} is not among the operators that the Edge TPU has"
    if operator.version > _VERSIONS[kind]:
        return (
            f"version {operator.version}, the compiler of 2021 knows {_VERSIONS[kind]} for sure "
            "and refuses a file with newer ones"
        )
    taken, given = _tensors(model, operator.inputs), _tensors(model, operator.outputs)
    flowing = [tensor for tensor in (*taken, *given) if not tensor.constant]
    odd = sorted({tensor.dtype for tensor in flowing} - {*_EIGHT_BITS})
    if odd:
        return f"computes in {', '.join(odd)}, expected 8 bits throughout"
    for tensor in flowing:
        if any(side < 1 for side in tensor.shape):
            return f"{tensor.name!r} has a side that is not known in advance: {tensor.shape}"
        if sum(side > 1 for side in tensor.shape[:-3]) > 0:
            return f"{tensor.name!r} has more than three sides above 1: {tensor.shape}"
    rule = _RULES.get(kind)
    return None if rule is None or not taken or not given else rule(taken, given)


_Rule = Callable[[Sequence[TensorInfo], Sequence[TensorInfo]], str | None]


def _dense(taken: Sequence[TensorInfo], given: Sequence[TensorInfo]) -> str | None:
    if len(taken) > 1 and len(taken[1].scales) > 1:
        return "weights with a scale for each channel, expected one for all"
    if sum(side > 1 for side in given[0].shape) > 1:
        return f"its result has several sides above 1: {given[0].shape}"
    return None


def _softmax(taken: Sequence[TensorInfo], _: Sequence[TensorInfo]) -> str | None:
    if sum(side > 1 for side in taken[0].shape) > 1:
        return f"over more than one side: {taken[0].shape}"
    longest = max(taken[0].shape, default=0)
    return f"{longest:,} elements, at most {_SOFTMAX_MOST:,}" if longest > _SOFTMAX_MOST else None


def _reduced(taken: Sequence[TensorInfo], given: Sequence[TensorInfo]) -> str | None:
    # Which axes are reduced is in a constant; what it did to batch and channels is in the shapes.
    if taken[0].shape[:1] != given[0].shape[:1] or taken[0].shape[-1:] != given[0].shape[-1:]:
        return "reduces another axis than height and width"
    return None


def _transpose(_: Sequence[TensorInfo], given: Sequence[TensorInfo]) -> str | None:
    return f"TRANSPOSE to {given[0].shape}: the compiler maps few of them, and not at a head"


def _prelu(taken: Sequence[TensorInfo], _: Sequence[TensorInfo]) -> str | None:
    several = len(taken) > 1 and sum(side > 1 for side in taken[1].shape) > 1
    return f"its slopes have several sides: {taken[1].shape}" if several else None


_RULES: dict[str, _Rule] = {
    "FULLY_CONNECTED": _dense,
    "SOFTMAX": _softmax,
    "MEAN": _reduced,
    "SUM": _reduced,
    "TRANSPOSE": _transpose,
    "PRELU": _prelu,
}


def _tensors(model: ModelFile, indices: Sequence[int]) -> list[TensorInfo]:
    return [model.tensors[i] for i in indices if 0 <= i < len(model.tensors)]


def _bytes(tensor: TensorInfo) -> int:
    size = {"int8": 1, "uint8": 1, "int16": 2, "float16": 2}.get(tensor.dtype, 4)
    for side in tensor.shape:
        size *= max(side, 0)
    return size
