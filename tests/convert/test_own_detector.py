"""A user's face detector: known by its outputs, converted to int8, usable on the device."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.convert.toy_detectors import blazeface_like, raw_float16, ssd, yunet_like

from faceage_calibration.landmark_cache import cache_folder
from faceage_convert import foreign_import, own_detector
from faceage_convert.isolated import ready
from faceage_convert.own_detector import convert_detector, import_detector
from faceage_edge.brought import Brought
from faceage_edge.detector import load_detector
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.interpreter import open_interpreter
from faceage_edge.operators import operator_names
from faceage_models.same_answers import tflite_answers
from faceage_models.tflite_constants import fold_constants
from faceage_models.tflite_dilation import fold_dilations

Picture = npt.NDArray[np.uint8]
CACHE = cache_folder().parent
MAKERS = {"blazeface": blazeface_like, "yunet": yunet_like, "ssd": ssd}


@lru_cache
def toy(kind: str) -> bytes:
    """A made-up detector's file."""
    return MAKERS[kind]()


def placed(kind: str, folder: Path) -> Path:
    """The same, in a folder."""
    path = folder / f"{kind}.tflite"
    path.write_bytes(toy(kind))
    return path


def frames(count: int, seed: int = 0) -> Iterator[Picture]:
    """Noise of many sizes of grain."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        coarse = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        yield np.kron(coarse, np.ones((4, 4, 1), np.uint8))


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges are recorded on noise, where a real conversion composes scenes of faces."""
    monkeypatch.setattr(own_detector, "_scenes", lambda faces, progress: frames(12))


@pytest.mark.parametrize(
    ("kind", "stage", "anchors", "colour", "points", "networks"),
    [
        ("blazeface", "anchors", 896, "RGB", "six", 1),
        ("yunet", "anchors", 126, "BGR", "five", 1),
        ("ssd", "boxes", 0, "RGB", "", 2),
    ],
)
def test_each_family_is_known_by_its_outputs(
    kind: str,
    stage: str,
    anchors: int,
    colour: str,
    points: str,
    networks: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was assumed is said; one without landmarks brings the network that lends them."""
    source = import_detector(placed(kind, tmp_path))
    contract = source.contract
    assert "is taken for" in capsys.readouterr().err
    assert contract.detector is not None
    assert (contract.detector.stage, contract.input.colour) == (stage, colour)
    own = contract.detector.anchors
    assert (sum(grid.count for grid in own.grids) if own else 0) == anchors
    assert (own.points if own else "") == points
    converted = convert_detector(source, "none", None)
    assert [item.contract.scheme for item in converted] == ["float32"] * networks


def test_an_onnx_file_becomes_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its converter is told the size, and the contract how near its answers are."""
    data, told = toy("yunet"), []
    (details,) = open_interpreter(data, "toy").get_input_details()
    pictures = np.random.default_rng(0).uniform(-1, 1, details["shape"]).astype(np.float32)

    def converter(kind: str, model: Path, out: Path, *more: str) -> None:
        told.append((kind, model.name, more))
        (out / "model.tflite").write_bytes(data)
        np.save(out / "pictures.npy", pictures)
        np.savez(out / "answers.npz", allow_pickle=False, **tflite_answers(data, pictures, "toy"))

    monkeypatch.setattr(foreign_import, "run_foreign", converter)
    path = tmp_path / "theirs.onnx"
    path.write_bytes(b"a graph")
    contract = import_detector(path, size=(96, 64)).contract
    assert told == [("onnx", "theirs.onnx", ("96", "64"))]
    assert contract.detector is not None and contract.detector.stage == "anchors"
    assert contract.provenance["import_difference"] < 1e-5
    assert contract.provenance["source_digest"] == hashlib.sha256(b"a graph").hexdigest()
    path.with_suffix(".tflite").write_bytes(data)
    assert import_detector(path.with_suffix(".tflite")).contract.outputs == contract.outputs


@pytest.mark.slow
def test_yunet_as_its_authors_ship_it(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its .onnx, whose pictures have an open size, answers as a .tflite as in ONNX Runtime."""
    # Some gigabytes: that of the user is taken, and not made for a test.
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    if not ready("onnx"):
        pytest.skip("needs the environment that faceage-convert makes for .onnx files")
    path = shared_data / "third_party" / "detectors" / "face_detection_yunet_2026may.onnx"
    with pytest.raises(ModelFileError, match=r"of an open size, .* --detector-size WIDTHxHEIGHT"):
        import_detector(path)
    contract = import_detector(path, size=(320, 256)).contract
    assert (contract.input.width, contract.input.height) == (320, 256)
    assert contract.provenance["import_difference"] < 1e-3
    assert {output.name for output in contract.outputs} >= {"cls_8", "obj_32", "kps_16"}


@pytest.mark.slow
@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize("kind", list(MAKERS))
def test_int8_sees_what_float_sees(
    kind: str, tmp_path: Path, write_faces: Callable[..., Path]
) -> None:
    """Throughout int8, and its surest box lies on one of float's."""
    faces = write_faces(24)
    source = import_detector(placed(kind, tmp_path))
    converted = convert_detector(source, "int8", faces)[0]
    assert converted.checks is not None and converted.checks.scheme == "int8"
    assert "TFLite_Detection_PostProcess" not in converted.checks.operators
    paths = {"float": tmp_path / "float.tflite", "int8": tmp_path / converted.file_name}
    paths["float"].write_bytes(source.data)
    paths["int8"].write_bytes(converted.data)
    detectors = {name: load_detector(path) for name, path in paths.items()}
    assert all(isinstance(one, Brought) for one in detectors.values())
    (frame,) = frames(1, seed=5)
    for detector in detectors.values():
        for face in detector.detect(frame, min_face=1):
            assert np.isfinite(face.landmarks.points).all()
            assert 0 <= face.score <= 1


@pytest.mark.slow
@pytest.mark.usefixtures("scenes")
def test_a_file_that_is_quantized_already_stays_as_it_is(
    tmp_path: Path, write_faces: Callable[..., Path]
) -> None:
    """It gets a contract with its own scales, and needs no faces."""
    from faceage_convert.embed import without_contract

    source = import_detector(placed("blazeface", tmp_path))
    made = convert_detector(source, "int8", write_faces(24))[0]
    path = tmp_path / "quantized.tflite"
    path.write_bytes(without_contract(made.data))
    (again,) = convert_detector(import_detector(path), "int8", None)
    assert again.file_name == "quantized.int8.tflite"
    assert again.contract.input == made.contract.input
    assert again.contract.outputs == made.contract.outputs


def test_folding_changes_no_output() -> None:
    """Weights widened once, a dilated convolution in one piece: equal to the bit."""
    data = raw_float16()
    folded = fold_dilations(fold_constants(data, "toy"), "toy")
    before, after = (read_model_file(one, "toy") for one in (data, folded))
    assert "DEQUANTIZE" in operator_names(before)
    assert not {"DEQUANTIZE", "SPACE_TO_BATCH_ND"} & set(operator_names(after))
    picture = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    results = []
    for one in (data, folded):
        interpreter = open_interpreter(one, "toy")
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*results)


def test_what_is_no_known_detector(tmp_path: Path, repo_root: Path) -> None:
    """The message says what was found and how to state it."""
    path = tmp_path / "other.tflite"
    path.write_bytes(raw_float16())
    with pytest.raises(ModelFileError, match=r"known by its outputs .* --detector-contract FILE"):
        import_detector(path)
    age = repo_root / "models/age-tiny/age-tiny.float32.tflite"
    with pytest.raises(ContractError, match="no whole detector in one file"):
        import_detector(age)


def statement(**changes: Any) -> dict[str, Any]:
    """A contract by hand for the made-up BlazeFace, as the documentation shows one."""
    grid = {"columns": 16, "rows": 16, "stride": [8, 8], "sides": [[1, 1], [1, 1]]}
    second = {"columns": 8, "rows": 8, "stride": [16, 16], "sides": [[1, 1]] * 6}
    names = {"scores": ["scores"], "boxes": "boxes", "points": "boxes"}
    anchors = {
        "centre_step": 1, "side_step": 1, "sides": "linear", "order": "xywh", "offset": 0.5,
        "score_index": 0, "points": "six", "grids": [{**grid, **names}, {**second, **names}],
    }  # fmt: skip
    normalisation = {"kind": "affine", "mean": [127.5] * 3, "std": [127.5] * 3}
    return {
        "task": "face-detector",
        "licence": "MIT",
        "input": {"colour": "RGB", "normalisation": normalisation},
        "outputs": [
            {"name": "boxes", "head": "box-offsets"},
            {"name": "scores", "head": "face-logit"},
        ],
        "detector": {"stage": "anchors", "logit_threshold": 0, "nms": 0.3, "anchors": anchors},
    } | changes


def test_a_stated_contract(tmp_path: Path) -> None:
    """What the user states holds; names and sizes are read from the file."""
    from faceage_models.tflite_edit import rename_tensors

    path = tmp_path / "mine.tflite"
    renamed = {(1, 896, 16): "boxes", (1, 896, 1): "scores"}
    path.write_bytes(rename_tensors(toy("blazeface"), outputs=renamed))
    stated = tmp_path / "mine.json"
    stated.write_text(json.dumps(statement()))
    contract = import_detector(path, stated).contract
    assert (contract.licence, contract.name) == ("MIT", "mine")
    assert contract.detector == import_detector(path).contract.detector
    stated.write_text(json.dumps(statement(outputs=[{"name": "other", "head": "box-offsets"}])))
    with pytest.raises(ContractError, match="'other'; the model has"):
        import_detector(path, stated)


def test_the_command_makes_a_bundle(convert: Callable[..., Any], tmp_path: Path) -> None:
    """The shipped age model and the user's detector, which the camera then takes."""
    path = placed("blazeface", tmp_path)
    out = tmp_path / "bundle"
    done = convert("--quantize", "none", "--detector", path, "--out", out)
    assert done.code == 0, done.err
    assert "taken for BlazeFace" in done.err
    assert (out / "blazeface.float32.tflite").is_file()
    assert load_detector(out, scheme="float32").scheme == "float32"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--detector", "none.tflite"], 1, "cannot read the model none.tflite"),
        (["--detector-contract", "x.json"], 2, "without --detector FILE.tflite"),
        (["--detector", "mtcnn", "--detector-contract", "x.json"], 2, "without --detector FILE"),
        (["--faces", "faces"], 2, "--faces without --model FILE"),
        (["--detector-size", "640x480"], 2, "without --detector FILE.onnx"),
        (["--detector", "a.tflite", "--detector-size", "64x64"], 2, "without --detector FILE.onnx"),
        (["--detector", "a.onnx", "--detector-size", "640"], 2, "'640' is no size; expected such"),
        (["--detector", "a.onnx", "--detector-size", "640x8"], 2, "32 pixels a side or more"),
        (["--detector", "none.onnx"], 1, "cannot read the model none.onnx"),
    ],
)
def test_wrong_usage(
    words: list[str],
    code: int,
    message: str,
    convert: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One message, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    done = convert(*words)
    assert (done.code, list(tmp_path.iterdir())) == (code, [])
    assert message in done.err


def test_int8_needs_faces(convert: Callable[..., Any], tmp_path: Path) -> None:
    """Ranges cannot be recorded on nothing."""
    done = convert("--detector", placed("blazeface", tmp_path), "--out", tmp_path / "bundle")
    assert done.code == 1
    assert "give --faces PATH" in done.err
    assert not (tmp_path / "bundle").exists()


def test_a_relu_of_its_own_is_done_by_the_operation_before() -> None:
    """Fewer operations, the same outputs to the bit; one that others read too stays."""
    from faceage_models.frameworks import import_keras, import_tensorflow
    from faceage_models.tflite_fusion import fuse_relu
    from faceage_models.tflite_graph import load_graph, operator_name, save_graph

    tf, keras = import_tensorflow(), import_keras()
    keras.utils.set_random_seed(1)
    picture = keras.Input((16, 16, 3), batch_size=1)
    x = keras.layers.Conv2D(4, 3, activation="relu")(picture)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    data = bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(picture, x)).convert())
    apart = save_graph(_unfused(load_graph(data)))
    assert operator_names(read_model_file(apart, "toy")).count("RELU") == 2
    fused = fuse_relu(apart, "toy")
    assert "RELU" not in operator_names(read_model_file(fused, "toy"))
    assert (
        operator_name(load_graph(fused), load_graph(fused).subgraphs[0].operators[0]) == "CONV_2D"
    )
    value = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    results = []
    for one in (data, apart, fused):
        interpreter = open_interpreter(one, "toy")
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[2])


def _unfused(model: Any) -> Any:
    """The graph with every fused RELU as an operation of its own, as MediaPipe writes BlazeFace."""
    from copy import deepcopy

    from ai_edge_litert.schema_py_generated import OperatorCodeT, OperatorT

    graph = model.subgraphs[0]
    code = OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = 19, 19
    model.operatorCodes.append(code)
    operators = []
    for operator in graph.operators:
        operators.append(operator)
        if getattr(operator.builtinOptions, "fusedActivationFunction", 0) != 1:
            continue
        operator.builtinOptions.fusedActivationFunction = 0
        tensor = deepcopy(graph.tensors[int(operator.outputs[0])])
        tensor.name = f"before{len(operators)}"
        graph.tensors.append(tensor)
        relu = OperatorT()
        relu.opcodeIndex = len(model.operatorCodes) - 1
        relu.inputs = np.array([len(graph.tensors) - 1], np.int32)
        relu.outputs = operator.outputs
        operator.outputs = relu.inputs
        operators.append(relu)
    graph.operators = operators
    return model


def test_scores_are_cut_where_faces_are_decided(tmp_path: Path) -> None:
    """Logits, and the parts they are put together from; boxes keep their ranges."""
    from faceage_convert.score_ranges import clip_scores

    for kind, before in (("blazeface", "face-logit"), ("yunet", "face-score")):
        source = import_detector(placed(kind, tmp_path))
        graph = read_model_file(source.data, kind)
        written = {graph.tensors[i].name for one in graph.operators for i in one.outputs}
        ranges = dict.fromkeys(written, (-1400.0, 3.0))
        cut = clip_scores(source.data, source.contract, ranges, kind)
        changed = {name for name in written if cut[name] != ranges[name]}
        assert all(cut[name] == (-8.0, 7.9375) for name in changed)
        outputs = {one.name: one.head for one in source.contract.outputs}
        of_outputs = {outputs[name] for name in changed & set(outputs)}
        # A probability keeps its own range, 0 to 1; the logit before it is cut.
        assert of_outputs == ({"face-logit"} if before == "face-logit" else set())
        assert len(changed) >= 3


def test_agreement_counts_each_face_once() -> None:
    """Two boxes on one face are one that both found, and one too many."""
    from faceage_convert.detector_agreement import Agreement, agreement
    from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

    def face(x: float) -> Face:
        return Face(FrameBox(x, 0, 10, 10), FrameLandmarks(np.zeros((5, 2))), 0.9)

    found = agreement([[face(0), face(50)], []], [[face(1), face(2)], [face(7)]])
    assert found == Agreement(scenes=2, float_faces=2, int8_faces=3, both=1)
    assert found.share == pytest.approx(2 / 5)
    assert Agreement(1, 0, 0, 0).share == 1.0
