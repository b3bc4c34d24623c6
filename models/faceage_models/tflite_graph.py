"""Read a .tflite graph into editable objects and write it back.

The schema classes come from `ai_edge_litert`, which the plain install brings. Only the host uses
them: importing the schema takes longer than a device may.
"""

import struct
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError, missing_extra
from faceage_edge.flatbuffer import read_model_file

__all__ = [
    "load_graph",
    "operator_name",
    "operator_names",
    "save_graph",
    "scales_its_input",
    "schema_operator_name",
    "signature_entries",
    "tensor_name",
]

# What the schema's unpacking raises where an offset or a count is wrong.
_DAMAGED = (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError)
_ARITHMETIC = ("ADD", "DIV", "MUL", "SUB")


def load_graph(data: bytes, where: str = "the model") -> Any:
    """Unpack a .tflite file into editable objects that can be packed again without loss.

    Files above 2 GB, and those that the quantizer writes, keep weights behind the flatbuffer,
    where packing anew would lose them: they are brought into it. Old files state their operators
    in a field that newer tools no longer read: it is filled in.

    Args:
        data: the whole file.
        where: the file's name, for messages.

    Returns:
        A `ModelT` of the schema, with one subgraph.

    Raises:
        ModelFileError: no TensorFlow Lite file, a damaged one, or one of several subgraphs.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    found = read_model_file(data, where)
    if found.subgraphs != 1:
        raise ModelFileError(
            f"{where} holds {found.subgraphs} subgraphs, expected one: convert the model without "
            "control flow (no loops or branches)"
        )
    schema = _schema()
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    except _DAMAGED as error:
        # It unpacks more than the device's own reader looks at, and trusts every offset.
        raise ModelFileError(
            f"{where} is damaged ({error}); copy it again or export it again"
        ) from error
    graph = model.subgraphs[0]
    # What a file leaves out is unpacked as None: found by fuzzing.
    graph.operators, graph.tensors = graph.operators or [], graph.tensors or []
    for buffer in model.buffers or []:
        # Offsets 0 and 1 mean that the buffer's bytes are inside (TensorFlow Lite schema).
        if buffer.offset > 1:
            part = data[buffer.offset : buffer.offset + buffer.size]
            buffer.data = np.frombuffer(part, dtype=np.uint8)
            buffer.offset = buffer.size = 0
    for code in model.operatorCodes or []:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    return model


def save_graph(model: Any) -> bytes:
    """Pack a `ModelT` into the bytes of a .tflite file.

    Zero points that are alike are written once, and every tensor points there: a flatbuffer may
    refer to a vector from several places. Each channel's weight and bias has one of 8 bytes, nearly
    always nought; of a small int8 model they would be a tenth.
    """
    builder = _builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _builder() -> Any:
    import flatbuffers

    class WritingOnce(flatbuffers.Builder):  # type: ignore[misc]
        """Writes vectors of 8-byte integers, which are the zero points, once each."""

        __slots__ = ("written",)

        def CreateNumpyVector(self, x: Any) -> int:
            if x.dtype != np.int64:
                return int(super().CreateNumpyVector(x))
            key = x.tobytes()
            if key not in self.written:
                self.written[key] = int(super().CreateNumpyVector(x))
            return int(self.written[key])

    builder = WritingOnce(1 << 20)
    builder.written = {}
    return builder


def operator_names(data: bytes) -> list[str]:
    """List the operations of a .tflite file by their schema names, in order of execution.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    return [operator_name(model, operator) for operator in model.subgraphs[0].operators]


def operator_name(model: Any, operator: Any) -> str:
    """Return the schema name of an `OperatorT`, or the name of a custom operation."""
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode:
        return _text(code.customCode)
    # Old writers fill the one-byte field only; the newer field holds codes above 126.
    return schema_operator_name(max(code.builtinCode, code.deprecatedBuiltinCode))


def schema_operator_name(builtin: int) -> str:
    """Return the schema's name of a builtin operation's number."""
    names: dict[int, str] = {
        value: name for name, value in vars(_schema().BuiltinOperator).items() if name.isupper()
    }
    return names.get(builtin, f"operation {builtin}")


def tensor_name(tensor: Any) -> str:
    """Return the name of a `TensorT`, or of a signature's entry."""
    return _text(tensor.name)


def signature_entries(model: Any) -> list[Any]:
    """Return every input and output entry (`TensorMapT`) of every signature."""
    return [
        entry
        for signature in model.signatureDefs or []
        for entry in (*(signature.inputs or []), *(signature.outputs or []))
    ]


def scales_its_input(data: bytes) -> bool:
    """Tell whether the graph first multiplies, divides or shifts the picture by constants.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    graph = model.subgraphs[0]
    pictures = {int(i) for i in graph.inputs}
    made = {int(i) for operator in graph.operators for i in operator.outputs}
    for operator in graph.operators:
        taken = {int(i) for i in operator.inputs}
        if taken & pictures and operator_name(model, operator) in _ARITHMETIC:
            others = taken - pictures
            return bool(others) and not others & made
    return False


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise missing_extra("ai_edge_litert", "convert") from error
    return schema_py_generated


def _text(name: bytes | str) -> str:
    # Bytes when read from a file, text when set by an edit.
    return name.decode() if isinstance(name, bytes) else name
