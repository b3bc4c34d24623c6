"""The reader of .tflite files: right on good ones, one clear error on anything else."""

import random
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, read_model_file

# TensorType of the schema by the names that the reader gives.
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "int8": 9}


def shipped_files() -> list[Path]:
    """The models in the checkout."""
    return sorted((Path(__file__).resolve().parents[2] / "models").glob("*/*.tflite"))


@pytest.fixture(scope="module")
def small() -> bytes:
    """The smallest shipped file: P-Net in int8."""
    path = min(shipped_files(), key=lambda path: path.stat().st_size)
    return path.read_bytes()


def third_party_files(shared_data: Path) -> list[Path]:
    """Models written by other converters, years apart."""
    return sorted((shared_data / "third_party").glob("*/*.tflite"))


def assert_same_as_schema(path: Path) -> None:
    """Compare what the reader finds with what TensorFlow Lite's generated reader finds."""
    from ai_edge_litert import schema_py_generated as schema

    data = path.read_bytes()
    found = read_model_file(data, path.name)
    model = schema.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    assert found.subgraphs == model.SubgraphsLength()
    tensors = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    assert len(found.tensors) == len(tensors)
    for mine, theirs in zip(found.tensors, tensors, strict=True):
        assert_same_tensor(mine, theirs, model, path.name)
    assert found.inputs == tuple(found.tensors[i] for i in graph.InputsAsNumpy())
    assert found.outputs == tuple(found.tensors[i] for i in graph.OutputsAsNumpy())
    assert_same_operators(found, model)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        start, length = found.metadata[entry.Name().decode()]
        content = model.Buffers(entry.Buffer())
        assert length == content.DataLength()
        assert data[start : start + length] == (content.DataAsNumpy().tobytes() if length else b"")


def assert_same_tensor(mine: Any, theirs: Any, model: Any, where: str) -> None:
    """Compare one tensor."""
    shape = tuple(theirs.ShapeAsNumpy()) if theirs.ShapeLength() else ()
    assert (mine.name, mine.shape) == (theirs.Name().decode(), shape), where
    assert TYPES[mine.dtype] == theirs.Type(), where
    details = theirs.Quantization()
    scales = details.ScaleAsNumpy() if details and details.ScaleLength() else []
    points = details.ZeroPointAsNumpy() if details and details.ZeroPointLength() else []
    assert mine.scales == tuple(float(np.float32(scale)) for scale in scales), where
    assert mine.zero_points == tuple(int(point) for point in points), where
    assert mine.axis == (details.QuantizedDimension() if details else 0), where
    assert mine.constant == (model.Buffers(theirs.Buffer()).DataLength() > 0), where


def assert_same_operators(found: ModelFile, model: Any) -> None:
    """Compare the operators, their versions and what they read and write."""
    graph = model.Subgraphs(0)
    assert len(found.operators) == graph.OperatorsLength()
    for i, mine in enumerate(found.operators):
        theirs = graph.Operators(i)
        code = model.OperatorCodes(theirs.OpcodeIndex())
        assert mine.code == max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        assert mine.version == code.Version()
        assert mine.custom == (code.CustomCode() or b"").decode()
        assert mine.inputs == tuple(theirs.InputsAsNumpy())
        assert mine.outputs == tuple(theirs.OutputsAsNumpy())


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_shipped_files_read_as_the_schema_reads_them(path: Path) -> None:
    """Names, shapes, types, scales, operators and metadata are those of TensorFlow Lite."""
    assert_same_as_schema(path)


def test_third_party_files_read_as_the_schema_reads_them(shared_data: Path) -> None:
    """So are those of files from other converters and from the Edge TPU compiler."""
    paths = third_party_files(shared_data)
    assert len(paths) == 7
    for path in paths:
        assert_same_as_schema(path)


FOREIGN: list[tuple[bytes, str, str]] = [
    (b"", "an empty file", "nothing"),
    (b"TFL3", "4 bytes that start with 54 46 4c 33", "the mark at the wrong place"),
    (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file (Keras .h5?)", "a Keras 2 model"),
    (b"PK\x03\x04" + bytes(99), "a zip archive (.keras?)", "a Keras 3 model"),
    (b"\xff\xd8\xff\xe0" + bytes(99), "a JPEG picture", "a photo"),
    (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG picture", "a drawing"),
    (b"\x08\x00\x12\x07" + bytes(99), "103 bytes that start with 08 00 12 07", "an ONNX model"),
    (b"version https://git-lfs.github.com", "76 65 72 73", "a pointer instead of the file"),
    (b"\x1c\0\0\0TFL3", "damaged or cut short (8 bytes", "eight bytes of a model"),
    (b"\x00\0\0\0TFL3" + bytes(500), "damaged", "the mark, then zeros"),
    (b"\xff\xff\xff\xffTFL3" + bytes(99), "damaged", "an offset beyond every file"),
    (b"\x10\0\0\0TFL3" + b"\xff" * 99, "damaged", "the mark, then ones"),
]


@pytest.mark.parametrize(("data", "words", "note"), FOREIGN)
def test_what_is_no_model(data: bytes, words: str, note: str) -> None:
    """The message says what the file looks like and what is wanted instead."""
    with pytest.raises(ModelFileError) as caught:
        read_model_file(data, "some.file")
    message = str(caught.value)
    assert message.startswith("some.file is ")
    assert words in message


def survives(data: bytes) -> bool:
    """Whether the bytes parse; anything but a ModelFileError otherwise is the test's failure."""
    try:
        read_model_file(data, "file")
    except ModelFileError as error:
        assert len(str(error)) < 500
        return False
    return True


def outside_contract(data: bytes) -> list[int]:
    """Every place in a file but those of its contract, which this reader does not look into."""
    start, length = read_model_file(data, "file").metadata["faceage.contract"]
    return [*range(start), *range(start + length, len(data))]


def cuts(size: int) -> Iterator[int]:
    """Every 97th byte of a small file; of a large one its head and tail, and 200 in between."""
    if size < 150_000:
        yield from range(0, size, 97)
        return
    yield from range(0, 20_000, 97)
    yield from range(20_000, size - 20_000, size // 200)
    yield from range(size - 20_000, size, 97)


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_a_file_cut_short_is_damaged(path: Path) -> None:
    """Wherever a shipped file ends too early, the reader says so."""
    data = path.read_bytes()
    assert [size for size in cuts(len(data)) if survives(data[:size])] == []


def test_third_party_files_cut_short(shared_data: Path) -> None:
    """The reader never fails in another way on files of other converters, nor takes long."""
    for path in third_party_files(shared_data):
        data = path.read_bytes()
        slowest = 0.0
        for size in list(cuts(len(data)))[::3]:
            start = time.perf_counter()
            survives(data[:size])
            slowest = max(slowest, time.perf_counter() - start)
        assert slowest < 2, path.name


def test_flipped_bytes_never_break_the_reader(small: bytes) -> None:
    """Thousands of damaged files: each parses or is a ModelFileError, none takes long."""
    chance = random.Random(97)
    slowest, passed = 0.0, 0
    places = outside_contract(small)
    for _ in range(3000):
        data = bytearray(small)
        for at in chance.sample(places, chance.choice((1, 1, 2, 8))):
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0x40, 3))
        start = time.perf_counter()
        passed += survives(bytes(data))
        slowest = max(slowest, time.perf_counter() - start)
    # Most damage hits weights, which the reader does not judge (the digest does).
    assert 1000 < passed < 2800
    assert slowest < 2


def test_random_bytes_behind_the_mark() -> None:
    """Noise that only starts like a model is refused."""
    chance = random.Random(3)
    for size in range(8, 600):
        noise = chance.randbytes(size)
        start = struct.pack("<I", chance.randrange(size))
        assert not survives(start + b"TFL3" + noise)


def craft(build: Callable[[Any], int]) -> bytes:
    """Finish a flatbuffer with the mark of TensorFlow Lite; `build` returns its root."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(build(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def offsets(builder: Any, items: list[int]) -> int:
    """Write a list of tables; the same table may stand in it more than once."""
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return int(builder.EndVector())


def many_tensors(count: int, sides: int) -> bytes:
    """A file with `count` tensors that are all one table, whose shape has `sides` sizes."""
    from ai_edge_litert import schema_py_generated as schema

    def build(builder: Any) -> int:
        shape = builder.CreateNumpyVector(np.ones(sides, dtype=np.int32))
        schema.TensorStart(builder)
        schema.TensorAddShape(builder, shape)
        tensors = offsets(builder, [schema.TensorEnd(builder)] * count)
        schema.SubGraphStart(builder)
        schema.SubGraphAddTensors(builder, tensors)
        graphs = offsets(builder, [schema.SubGraphEnd(builder)])
        schema.ModelStart(builder)
        schema.ModelAddSubgraphs(builder, graphs)
        return int(schema.ModelEnd(builder))

    return craft(build)


def test_the_crafted_file_is_well_formed() -> None:
    """What the tests below exaggerate is read when it is small."""
    found = read_model_file(many_tensors(3, 4), "file")
    assert [tensor.shape for tensor in found.tensors] == [(1, 1, 1, 1)] * 3


@pytest.mark.parametrize(
    ("count", "sides", "note"),
    [
        (2_000, 20_000, "88 KB that would unfold to 1.6 GB"),
        (20_000, 90_000, "440 KB that would unfold to 72 GB"),
        (1, 3_000_000, "one shape of three million sizes"),
        (150_000, 1, "more tensors than any model has"),
    ],
)
def test_small_files_cannot_unfold(count: int, sides: int, note: str) -> None:
    """Lists that share their bytes, or have absurd lengths, are refused before they cost memory."""
    data = many_tensors(count, sides)
    tracemalloc.start()
    try:
        start = time.perf_counter()
        assert not survives(data)
        assert time.perf_counter() - start < 5
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_absurd_counts_are_refused(small: bytes) -> None:
    """A list that claims four billion items is longer than its file."""
    words = [at for at in outside_contract(small) if at % 4 == 0]
    counts = [at for at in words if 0 < struct.unpack_from("<I", small, at)[0] < 99]
    assert len(counts) > 200
    refused = 0
    for at in counts:
        for count in (0xFFFFFFFF, 0x7FFFFFFF, len(small)):
            data = small[:at] + struct.pack("<I", count) + small[at + 4 :]
            refused += not survives(data)
    assert refused > 300


def test_a_buffer_longer_than_its_file(small: bytes) -> None:
    """The contract's own length is checked: a slice would end quietly at the file's end."""
    start, length = read_model_file(small, "file").metadata["faceage.contract"]
    assert struct.unpack_from("<I", small, start - 4)[0] == length
    longer = small[: start - 4] + struct.pack("<I", len(small)) + small[start:]
    with pytest.raises(ModelFileError, match="longer than the file"):
        read_model_file(longer, "file")


def test_an_offset_before_the_start(small: bytes) -> None:
    """Python would count a negative place from the end; there the vtable lies in this file."""
    root = struct.unpack_from("<I", small, 0)[0]
    vtable = root - struct.unpack_from("<i", small, root)[0]
    copy = small[vtable : vtable + struct.unpack_from("<H", small, vtable)[0]]
    pointed = small[:root] + struct.pack("<i", root + len(copy)) + small[root + 4 :]
    with pytest.raises(ModelFileError, match="before the file's start"):
        read_model_file(pointed + copy, "file")


@pytest.mark.parametrize("index", [-1, 10_000])
def test_inputs_that_do_not_exist(
    index: int, small: bytes, edit_model: Callable[[bytes, Callable[[Any], None]], bytes]
) -> None:
    """A graph's inputs and outputs are tensors that it has."""

    def point(tree: Any) -> None:
        tree.subgraphs[0].inputs = [index]

    with pytest.raises(ModelFileError, match="an input or output that does not exist"):
        read_model_file(edit_model(small, point), "file")


@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_operators_use_tensors_that_exist(
    part: str, small: bytes, edit_model: Callable[[bytes, Callable[[Any], None]], bytes]
) -> None:
    """Whatever reads a graph looks tensors up by these numbers; found by fuzzing."""

    def point(tree: Any) -> None:
        setattr(tree.subgraphs[0].operators[0], part, [10_000])

    with pytest.raises(ModelFileError, match="an operator whose tensor does not exist"):
        read_model_file(edit_model(small, point), "file")
