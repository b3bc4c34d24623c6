"""Everything a user can get wrong: one clear message, the right exit code, nothing overwritten."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_convert.bundle import list_files
from faceage_models.tflite_graph import load_graph

Convert = Callable[..., Any]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """An earlier bundle where the new one would go."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "age.int8.tflite").write_bytes(b"an earlier model")
    (out / "report.json").write_text('{"contents": ["age.int8.tflite", "report.json"]}')
    return out


@pytest.fixture
def refused(convert: Convert, earlier: Path) -> Callable[..., str]:
    """Return a function that runs a command which must fail, and gives its one message."""

    def run(code: int, *arguments: object) -> str:
        before = {name: (earlier / name).read_bytes() for name in list_files(earlier)}
        beside = sorted(earlier.parent.iterdir())
        done = convert(*arguments, "--out", earlier)
        assert done.code == code, done.err
        assert done.out == ""
        assert "Traceback" not in done.err
        assert {name: (earlier / name).read_bytes() for name in list_files(earlier)} == before
        assert sorted(earlier.parent.iterdir()) == beside
        messages = [line for line in done.err.splitlines() if "faceage-convert: error: " in line]
        assert len(messages) == 1, done.err
        return str(messages[0])

    return run


def _missing(path: Path, data: bytes) -> None:
    pass


def _truncated(path: Path, data: bytes) -> None:
    path.write_bytes(data[: len(data) // 2])


def _cut_by_a_byte(path: Path, data: bytes) -> None:
    path.write_bytes(data[:-1])


def _empty(path: Path, data: bytes) -> None:
    path.write_bytes(b"")


def _random(path: Path, data: bytes) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(4096))


def _random_with_mark(path: Path, data: bytes) -> None:
    path.write_bytes(data[:8] + np.random.default_rng(0).bytes(4096))


def _jpeg(path: Path, data: bytes) -> None:
    path.write_bytes(JPEG)


def _zip(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no model")


def _hdf5(path: Path, data: bytes) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["numbers"] = np.zeros(3)


def _folder(path: Path, data: bytes) -> None:
    path.mkdir()


MODEL_FILES = [
    (_missing, "mine.tflite", "no model .*mine.tflite'.*is no path that exists", "missing"),
    (_missing, "mine.keras", "no model .*mine.keras'.*is no path that exists", "missing, Keras"),
    (_truncated, "mine.tflite", "mine.tflite is damaged or cut short", "truncated"),
    (_empty, "mine.tflite", "is not a TensorFlow Lite model: found an empty file", "empty"),
    (_empty, "mine.keras", "is not a Keras file: found an empty file", "empty, Keras"),
    (_random, "mine.tflite", "is not a TensorFlow Lite model: found 4,096 bytes", "random"),
    (_random, "mine.h5", "is not a Keras file", "random, HDF5"),
    (_random_with_mark, "mine.tflite", "is damaged or cut short", "random behind the mark"),
    (_jpeg, "mine.tflite", "is not a TensorFlow Lite model: found a JPEG picture", "a photo"),
    (_jpeg, "mine.keras", "is not a Keras file", "a photo, Keras"),
    (_zip, "mine.keras", "is a zip archive but no Keras model", "a zip archive"),
    (_zip, "mine.tflite", "found a zip archive", "a .keras file called .tflite"),
    (_hdf5, "mine.h5", "holds weights without a model", "an HDF5 file of something"),
    (_folder, "saved", "saved is a folder without saved_model.pb", "a folder of nothing"),
    (_folder, "mine.tflite", "is a folder", "a folder called .tflite"),
]


@pytest.mark.parametrize(
    ("make", "name", "message", "note"), MODEL_FILES, ids=[case[3] for case in MODEL_FILES]
)
def test_model_files(
    refused: Callable[..., str],
    tmp_path: Path,
    write_faces: Callable[..., Path],
    bare_float: bytes,
    make: Callable[[Path, bytes], None],
    name: str,
    message: str,
    note: str,
) -> None:
    """A file that is no model is called what it is."""
    make(tmp_path / name, bare_float)
    faces = write_faces(20)
    found = refused(1, "--model", tmp_path / name, "--faces", faces, "--crops", "aligned")
    assert re.search(message, found), found


def _several_inputs(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.inputs = np.array([int(graph.inputs[0]), int(graph.operators[0].outputs[0])], np.int32)


def _open_size(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[int(graph.inputs[0])].shape = np.array([1, 1, 1, 3], np.int32)


def _compiled(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = "edgetpu-custom-op"


def _strange_operator(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = "MyOwnOperator"


def _two_graphs(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def _constant(model: Any) -> None:
    graph = model.subgraphs[0]
    buffer = model.buffers[graph.tensors[graph.operators[-1].inputs[1]].buffer]
    buffer.data = np.zeros_like(buffer.data)


def _not_finite(model: Any) -> None:
    graph = model.subgraphs[0]
    buffer = model.buffers[graph.tensors[graph.operators[-1].inputs[1]].buffer]
    buffer.data = np.full(len(buffer.data) // 4, np.inf, np.float32).view(np.uint8)


GRAPHS = [
    (_several_inputs, "expected one float32 picture", "several inputs"),
    (_open_size, "takes pictures of an open size, found (1, 1, 1, 3)", "height and width open"),
    (_compiled, "is compiled for the Edge TPU", "compiled for the Edge TPU"),
    (_strange_operator, "MyOwnOperator", "an operator of their own"),
    (_two_graphs, "2 subgraphs, expected one", "control flow"),
    (_constant, "different answers to 20 different pictures is 1, expected", "constant"),
    (_not_finite, "not finite", "infinite weights"),
]


@pytest.mark.parametrize(("change", "message", "note"), GRAPHS, ids=[case[2] for case in GRAPHS])
def test_graphs(
    refused: Callable[..., str],
    write_model: Callable[..., Path],
    write_faces: Callable[..., Path],
    bare_float: bytes,
    edited: Callable[..., bytes],
    change: Callable[[Any], None],
    message: str,
    note: str,
) -> None:
    """A model that cannot be converted is refused for what it is."""
    path = write_model(edited(bare_float, change))
    found = refused(1, "--model", path, "--faces", write_faces(20), "--crops", "aligned")
    assert message in found


def test_dynamic_batch_becomes_one(
    convert: Convert,
    write_model: Callable[..., Path],
    bare_float: bytes,
    edited: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    """A batch that was left open is no mistake: the device sees one face at a time."""

    def open_batch(model: Any) -> None:
        for index in (model.subgraphs[0].inputs[0], model.subgraphs[0].outputs[0]):
            tensor = model.subgraphs[0].tensors[int(index)]
            tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)

    data = edited(bare_float, open_batch)
    assert load_graph(data).subgraphs[0].tensors[0].shapeSignature is not None
    run = convert("--model", write_model(data), "--quantize", "none", "--out", tmp_path / "new")
    assert run.code == 0, run.err


def test_quantized_models(
    refused: Callable[..., str], write_faces: Callable[..., Path], shipped: Any
) -> None:
    """What is int8 already cannot be measured against its float self."""
    faces = write_faces(20)
    found = refused(1, "--model", shipped.age_int8, "--faces", faces, "--crops", "aligned")
    assert "is already quantized: 28 weights" in found


def test_files_of_others(
    refused: Callable[..., str], write_faces: Callable[..., Path], shared_data: Path
) -> None:
    """Google's quantized and compiled files, and a network of three inputs, are refused."""
    faces = write_faces(20)
    for file, message in (
        ("coral/mobilenet_v2_1.0_224_quant.tflite", "is already quantized"),
        ("coral/mobilenet_v1_0.25_128_quant_edgetpu.tflite", "is compiled for the Edge TPU"),
        ("detectors/rfb_320.tflite", "--output NAME"),
    ):
        path = shared_data / "third_party" / file
        code = 2 if "--" in message else 1
        assert message in refused(code, "--model", path, "--faces", faces, "--crops", "aligned")


def _no_faces(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _text_among_them(folder: Path) -> None:
    next(folder.iterdir()).write_text("no picture")


def _cut_short(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:700])


def _too_old(folder: Path) -> None:
    next(folder.iterdir()).rename(folder / "130_0_0_201700000000.jpg")


def _only_text(folder: Path) -> None:
    for number, path in enumerate(list(folder.iterdir())):
        path.rename(folder / f"{number}_0_0_201700000000.jpg").write_text("no picture")


def _gone(folder: Path) -> None:
    _no_faces(folder)
    folder.rmdir()


def _a_file(folder: Path) -> None:
    _gone(folder)
    folder.write_text("neither folder nor archive")


FACES = [
    (_no_faces, "is empty; expected pictures", "an empty folder"),
    (_gone, "there is no", "no folder"),
    (_a_file, "is no tar archive", "a file of something"),
    (_text_among_them, "1 of 24 files are not pictures", "a text called .jpg"),
    (_only_text, "24 of 24 files are not pictures", "nothing but texts"),
    (_cut_short, "cut short; copy it again", "truncated pictures"),
    (_too_old, "'130' is out of range", "an age of 130"),
]


@pytest.mark.parametrize("option", ["--faces", "--eval-faces"])
@pytest.mark.parametrize(("change", "message", "note"), FACES, ids=[case[2] for case in FACES])
def test_faces(
    refused: Callable[..., str],
    write_model: Callable[..., Path],
    write_faces: Callable[..., Path],
    option: str,
    change: Callable[[Path], None],
    message: str,
    note: str,
) -> None:
    """Sets that cannot be used as asked are refused, whichever they were to serve as."""
    sets = {"--faces": write_faces(24), "--eval-faces": write_faces(24, folder="more", start=90)}
    change(sets[option])
    arguments = [word for pair in sets.items() for word in pair]
    assert message in refused(1, "--model", write_model(), *arguments, "--crops", "aligned")


def test_overlapping_sets(
    refused: Callable[..., str], write_model: Callable[..., Path], write_faces: Callable[..., Path]
) -> None:
    """Measuring on the calibration faces is refused."""
    faces = write_faces(20)
    words = ("--faces", faces, "--eval-faces", faces, "--crops", "aligned")
    found = refused(1, "--model", write_model(), *words)
    assert "20 of 20 pictures" in found
    assert "were also used for calibration" in found


def test_one_face(
    refused: Callable[..., str], write_model: Callable[..., Path], write_faces: Callable[..., Path]
) -> None:
    """One face makes no ranges."""
    found = refused(1, "--model", write_model(), "--faces", write_faces(1), "--crops", "aligned")
    assert "too few faces" in found
    assert "1, expected 20 or more" in found


def test_ambiguous_names(
    refused: Callable[..., str], write_model: Callable[..., Path], write_faces: Callable[..., Path]
) -> None:
    """Names that could mean two things ask for --names."""
    faces = write_faces(24, name="{age}_{gender}_2017{n:08d}.jpg")
    assert "--names utkface|id-age-gender" in refused(1, "--model", write_model(), "--faces", faces)


def test_missing_detector(
    refused: Callable[..., str], write_model: Callable[..., Path], write_faces: Callable[..., Path]
) -> None:
    """A detector that is not there is named, with those that are."""
    words = ("--faces", write_faces(24), "--detector", "retinaface")
    assert "no model 'retinaface'" in refused(1, "--model", write_model(), *words)


USAGE = [
    (("--faces", "x"), "--faces without --model", "faces for the shipped models"),
    (("--eval-faces", "x", "--count", "30"), "--eval-faces, --count without --model", "two"),
    (("--head", "coral", "--name", "x"), "--name, --head without --model", "hints"),
    (("--model", "x"), "--model needs --faces PATH", "no faces"),
    (("--model", "x", "--faces", "y", "--quantize", "none"), "--faces with --quantize none", ""),
    (("--model", "x", "--faces", "y", "--count", "0"), "0: expected 20 to 999,999,999", "none"),
    (
        ("--model", "x", "--faces", "y", "--count", "-3"),
        "-3: expected 20 to 999,999,999",
        "negative",
    ),
    (("--model", "x", "--faces", "y", "--count", "many"), "'many' is no whole number", "a word"),
    (("--model", "x", "--faces", "y", "--eval-count", "0"), "0: expected 1 to 999,999,999", "none"),
    (("--quantize", "int4"), "invalid choice: 'int4'", "an unknown scheme"),
    (("--model", "x", "--faces", "y", "--head", "gender"), "invalid choice: 'gender'", "no age"),
    (("--colour",), "expected one argument", "an option without its value"),
    (("age.keras",), "unrecognized arguments: age.keras", "a model without --model"),
]


@pytest.mark.parametrize(("words", "message", "note"), USAGE)
def test_usage(
    refused: Callable[..., str], words: tuple[str, ...], message: str, note: str
) -> None:
    """A command line that asks for what cannot be, or would be ignored in part, is refused."""
    assert message in refused(2, *words)


def test_names_of_files(
    refused: Callable[..., str], write_model: Callable[..., Path], write_faces: Callable[..., Path]
) -> None:
    """A name that would write outside the folder, or over the detector, is refused."""
    for name in ("../escaped", "mtcnn-onet"):
        words = ("--faces", write_faces(20, folder=name[-4:]), "--name", name)
        assert "--name" in refused(2, "--model", write_model(), *words)


def test_unwritable_places(convert: Convert, tmp_path: Path) -> None:
    """A place that cannot be written is found out before the work, and left as it is."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    for out, message in (
        ("file", "is a file, expected a folder"),
        ("file/below", "Not a directory"),
        ("folder", "holds mine.txt, which no earlier conversion wrote"),
    ):
        run = convert("--out", tmp_path / out)
        assert run.code == 1
        assert message in run.err
    assert (tmp_path / "file").read_text() == "mine"
    assert list_files(tmp_path / "folder") == {"mine.txt"}
