"""Read what faceage needs of a .tflite file with bounds-checked struct reads.

No schema module (importing one costs 160-450 ms on a board) and no native code: the bytes are
untrusted until their contract and digest have been checked. Field numbers are those of the
TensorFlow Lite schema, version 3 (tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

import struct
from dataclasses import dataclass

from faceage_edge.errors import ModelFileError

__all__ = ["ModelFile", "Operator", "TensorInfo", "read_model_file"]

# TensorType of the schema; types that no faceage model may use are left out.
_TYPE_NAMES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16",
    9: "int8", 17: "int4",
}  # fmt: skip
# Far above any real model (MobileNet has about 90 tensors), far below what would stall a board.
_MOST_ITEMS = 100_000
# Lists may share bytes, so that a small file could describe more than a board's memory holds: 2,000
# tensors with one shape of 20,000 sizes fit 88 KB and unfolded to 1.6 GB. What is read altogether
# is limited too; MobileNet's names, shapes and scales are 0.2 MB.
_MOST_BYTES_READ = 16 * 1024 * 1024


@dataclass(frozen=True)
class TensorInfo:
    """One tensor as the file declares it.

    `scales` and `zero_points` are empty for a float tensor, of length one for a tensor-wise
    quantized one, and longer along `axis` for a channel-wise one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    constant: bool


@dataclass(frozen=True)
class Operator:
    """One operation: its builtin code, custom name and version, and the tensors it reads and
    writes (indices into the model's tensors, -1 for an input that is left out)."""

    code: int
    custom: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class ModelFile:
    """The parts of a .tflite file that can be known without running it.

    `operators` stand in order of execution; `metadata` maps names to (offset, length) of their
    bytes in the file.
    """

    tensors: tuple[TensorInfo, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]
    metadata: dict[str, tuple[int, int]]
    subgraphs: int


def read_model_file(data: bytes, where: str) -> ModelFile:
    """Walk a .tflite file.

    Args:
        data: the whole file.
        where: the file's name, for messages.

    Returns:
        What the file declares of its first subgraph, its operators and its metadata.

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model, or are cut short or damaged.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelFileError(
            f"{where} is not a TensorFlow Lite model: found {_looks_like(data)}, expected the mark "
            "TFL3 at byte 4; give a .tflite file written by faceage-convert"
        )
    try:
        return _walk(_Reader(data))
    except (_Damaged, struct.error, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"{where} is damaged or cut short ({len(data):,} bytes: {error}); "
            "copy it again or convert the model again"
        ) from error


def _looks_like(data: bytes) -> str:
    if not data:
        return "an empty file"
    for mark, kind in (
        (b"\x89HDF", "an HDF5 file (Keras .h5?)"),
        (b"PK\x03\x04", "a zip archive (.keras?)"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"\x89PNG", "a PNG picture"),
    ):
        if data.startswith(mark):
            return kind
    return f"{len(data):,} bytes that start with {data[:8].hex(' ')}"


class _Damaged(Exception):
    """An offset or a count leads out of the file."""


class _Reader:
    """Little-endian reads that never leave the file (struct raises beyond its end)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = min(2 * len(data), _MOST_BYTES_READ)

    def number(self, form: str, at: int) -> int:
        if at < 0:
            raise _Damaged("an offset before the file's start")
        return int(struct.unpack_from("<" + form, self.data, at)[0])

    def follow(self, at: int) -> int:
        """The place that the offset stored at `at` refers to."""
        target = at + self.number("I", at)
        if not 4 <= target <= len(self.data) - 4:
            raise _Damaged(f"an offset at byte {at} leads out of the file")
        return target

    def field(self, table: int, index: int) -> int:
        """Where a table keeps a field, or 0 when it leaves the field out."""
        vtable = table - self.number("i", table)
        size = self.number("H", vtable)
        slot = 4 + 2 * index
        offset = self.number("H", vtable + slot) if slot + 2 <= size else 0
        return table + offset if offset else 0

    def vector(self, table: int, index: int, item_size: int) -> tuple[int, int]:
        """First item and count of a vector field; (0, 0) when it is left out."""
        at = self.field(table, index)
        if not at:
            return 0, 0
        start = self.follow(at)
        count = self.number("I", start)
        if start + 4 + count * item_size > len(self.data):
            raise _Damaged(f"a list at byte {start} of {count} items is longer than the file")
        return start + 4, count

    def items(self, table: int, index: int, item_size: int) -> tuple[int, int]:
        """As `vector`, for a list whose items will all be read."""
        first, count = self.vector(table, index, item_size)
        self._left -= count * item_size
        if count > _MOST_ITEMS or self._left < 0:
            raise _Damaged(f"a list of {count} entries, or lists that share their bytes")
        return first, count

    def tables(self, table: int, index: int) -> list[int]:
        first, count = self.items(table, index, 4)
        return [self.follow(first + 4 * i) for i in range(count)]

    def numbers(self, table: int, index: int, form: str) -> tuple[float, ...]:
        first, count = self.items(table, index, struct.calcsize("<" + form))
        return struct.unpack_from(f"<{count}{form}", self.data, first) if count else ()

    def scalar(self, table: int, index: int, form: str, default: int) -> int:
        at = self.field(table, index)
        return self.number(form, at) if at else default

    def text(self, table: int, index: int) -> str:
        first, count = self.items(table, index, 1)
        return self.data[first : first + count].decode("utf-8")


def _walk(reader: _Reader) -> ModelFile:
    model = reader.follow(0)
    codes = reader.tables(model, 1)
    subgraphs = reader.tables(model, 2)
    buffers = reader.tables(model, 4)
    if not subgraphs:
        raise _Damaged("it holds no graph")
    graph = subgraphs[0]
    tensors = tuple(_tensor(reader, table, buffers) for table in reader.tables(graph, 0))
    operators = tuple(_operator(reader, table, codes) for table in reader.tables(graph, 3))
    for operator in operators:
        # -1 stands for an input that is left out.
        if any(not -1 <= i < len(tensors) for i in (*operator.inputs, *operator.outputs)):
            raise _Damaged("an operator whose tensor does not exist")
    return ModelFile(
        tensors=tensors,
        inputs=_picked(tensors, reader.numbers(graph, 1, "i")),
        outputs=_picked(tensors, reader.numbers(graph, 2, "i")),
        operators=operators,
        metadata=dict(_metadata(reader, table, buffers) for table in reader.tables(model, 6)),
        subgraphs=len(subgraphs),
    )


def _picked(tensors: tuple[TensorInfo, ...], indices: tuple[float, ...]) -> tuple[TensorInfo, ...]:
    if any(not 0 <= index < len(tensors) for index in indices):
        raise _Damaged("an input or output that does not exist")
    return tuple(tensors[int(index)] for index in indices)


def _tensor(reader: _Reader, table: int, buffers: list[int]) -> TensorInfo:
    kind = reader.scalar(table, 1, "B", 0)
    buffer = reader.scalar(table, 2, "I", 0)
    if buffer >= max(len(buffers), 1):
        raise _Damaged("a tensor whose buffer does not exist")
    quantization = reader.field(table, 4)
    scales: tuple[float, ...] = ()
    zero_points: tuple[float, ...] = ()
    axis = 0
    if quantization:
        details = reader.follow(quantization)
        scales = reader.numbers(details, 2, "f")
        zero_points = reader.numbers(details, 3, "q")
        axis = reader.scalar(details, 6, "i", 0)
    return TensorInfo(
        name=reader.text(table, 3),
        shape=tuple(int(size) for size in reader.numbers(table, 0, "i")),
        dtype=_TYPE_NAMES.get(kind, f"type {kind}"),
        scales=scales,
        zero_points=tuple(int(point) for point in zero_points),
        axis=axis,
        constant=bool(buffers) and _buffer(reader, buffers[buffer])[1] > 0,
    )


def _operator(reader: _Reader, table: int, codes: list[int]) -> Operator:
    index = reader.scalar(table, 0, "I", 0)
    if index >= len(codes):
        raise _Damaged("an operator whose code does not exist")
    code = codes[index]
    return Operator(
        # Old writers fill the one-byte field only; the newer field holds codes above 126.
        code=max(reader.scalar(code, 0, "b", 0), reader.scalar(code, 3, "i", 0)),
        custom=reader.text(code, 1),
        version=reader.scalar(code, 2, "i", 1),
        inputs=tuple(int(item) for item in reader.numbers(table, 1, "i")),
        outputs=tuple(int(item) for item in reader.numbers(table, 2, "i")),
    )


def _buffer(reader: _Reader, table: int) -> tuple[int, int]:
    """Where a buffer's bytes are and how many: in the table, or appended behind the file."""
    first, count = reader.vector(table, 0, 1)
    if count:
        return first, count
    offset, size = reader.scalar(table, 1, "Q", 0), reader.scalar(table, 2, "Q", 0)
    if offset > 1 and offset + size > len(reader.data):
        raise _Damaged("a buffer that lies beyond the file's end")
    return (offset, size) if offset > 1 else (0, 0)


def _metadata(reader: _Reader, table: int, buffers: list[int]) -> tuple[str, tuple[int, int]]:
    index = reader.scalar(table, 1, "I", 0)
    if index >= len(buffers):
        raise _Damaged("metadata whose buffer does not exist")
    return reader.text(table, 0), _buffer(reader, buffers[index])
