"""Activation ranges: recorded, written and read back."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.faces import FaceSet, check_disjoint
from faceage_calibration.inputs import model_inputs
from faceage_calibration.labels import Label
from faceage_calibration.ranges import (
    Calibration,
    Ranges,
    read_ranges,
    record_activations,
    record_ranges,
    write_ranges,
)
from faceage_calibration.recorder import RecordingInterpreter
from faceage_edge.contract import Input, Normalisation
from faceage_edge.errors import FacesError, ModelFileError, OutputError
from faceage_edge.interpreter import open_interpreter

CALIBRATION = Calibration(2, "cd" * 32, ("0123456789", "abcdef0123"))
RANGES = Ranges("ab" * 32, {"b": (-1.5, 2.25), "a": (0.0, 6.0)}, CALIBRATION)


@pytest.fixture(scope="module")
def rnet(repo_root: Path) -> bytes:
    """The smallest shipped float model with a batch: float32 (8, 24, 24, 3)."""
    return (repo_root / "models" / "mtcnn" / "mtcnn-rnet.float32.tflite").read_bytes()


def _pictures(count: int, *, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.uniform(-1, 1, (8, 24, 24, 3)).astype(np.float32) for _ in range(count)]


def test_ranges_are_true_minima_and_maxima(rnet: bytes) -> None:
    """Inputs, outputs and what lies between are watched over all inputs; weights are not."""
    pictures = _pictures(3)
    done: list[int] = []
    ranges = record_ranges(rnet, pictures, progress=done.append)
    assert done == [1, 2, 3]
    low, high = min(p.min() for p in pictures), max(p.max() for p in pictures)
    assert ranges["input"] == (float(str(low)), float(str(high)))
    interpreter = open_interpreter(rnet, "rnet", xnnpack=False, preserve_all=True)
    details = {tensor["name"]: tensor["index"] for tensor in interpreter.get_tensor_details()}
    for name in ("conv1", "prelu2", "box", "face_logit"):
        seen = []
        for picture in pictures:
            interpreter.set_tensor(details["input"], picture)
            interpreter.invoke()
            seen.append(interpreter.get_tensor(details[name]))
        assert np.float32(ranges[name][0]) == np.min(seen)
        assert np.float32(ranges[name][1]) == np.max(seen)
    # 16 operators, each with one output, and the input.
    assert len(ranges) == 17


def test_every_input_widens_the_ranges(rnet: bytes) -> None:
    """The ranges of two inputs are the union of the ranges of each."""
    one, two = _pictures(2)
    both = record_ranges(rnet, [one, two])
    first, second = record_ranges(rnet, [one]), record_ranges(rnet, [two])
    assert both == {
        name: (min(low, second[name][0]), max(high, second[name][1]))
        for name, (low, high) in first.items()
    }


def test_means_of_what_meets_weights(rnet: bytes) -> None:
    """Every input of a weighted layer has its channels averaged over pictures and pixels."""
    pictures = _pictures(3)
    means = record_activations(rnet, pictures).means
    expected = np.concatenate(pictures).mean(axis=(0, 1, 2), dtype=np.float64)
    assert means["input"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert {"input", "conv1"} <= means.keys()
    assert not {"box", "face_logit"} & means.keys()


def test_means_are_kept(tmp_path: Path) -> None:
    """A ranges file holds the means where there are some, and reads without them."""
    path = tmp_path / "ranges.json"
    full = Ranges(RANGES.model_digest, RANGES.tensors, CALIBRATION, {"a": (0.5, -1.25)})
    for ranges in (full, RANGES):
        write_ranges(path, ranges)
        assert read_ranges(path) == ranges


def test_peaks_of_what_meets_weights(rnet: bytes) -> None:
    """Every input of a weighted layer has the largest value of each channel over all pictures."""
    pictures = _pictures(3)
    recorded = record_activations(rnet, pictures)
    expected = np.concatenate(pictures).max(axis=(0, 1, 2))
    assert recorded.peaks["input"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert recorded.peaks.keys() == recorded.means.keys()
    for name, row in recorded.peaks.items():
        assert max(row) == pytest.approx(recorded.ranges[name][1], rel=1e-4)


def test_refinement_is_kept(tmp_path: Path) -> None:
    """Peaks, what was done and the rounding come back as they were, in few bytes."""
    path = tmp_path / "ranges.json"
    bits = {"b": bytes(range(256)), "a": b""}
    full = replace(RANGES, peaks={"a": (0.5, 6.0)}, refine=("equalise", "round"), rounding=bits)
    write_ranges(path, full)
    assert read_ranges(path) == full


@pytest.mark.parametrize("text", ["no base64!", "AAAA", 7])
def test_damaged_rounding(tmp_path: Path, text: object) -> None:
    """One message that names the weights."""
    path = tmp_path / "ranges.json"
    write_ranges(path, replace(RANGES, rounding={"a": b"x"}))
    document = json.loads(path.read_text())
    document["rounding"]["a"] = text
    path.write_text(json.dumps(document))
    with pytest.raises(ModelFileError, match=r"no ranges file.*rounding.*a.*record it again"):
        read_ranges(path)


@pytest.mark.parametrize(
    ("value", "tensor"),
    [
        pytest.param(np.nan, "input", id="NaN goes in"),
        pytest.param(np.inf, "input", id="infinity goes in"),
        pytest.param(3e38, "(?!input)", id="a convolution overflows"),
    ],
)
def test_values_that_are_not_finite_are_refused(rnet: bytes, value: float, tensor: str) -> None:
    """A tensor with NaN or infinity is named, with the input it happened at."""
    bad = np.full((8, 24, 24, 3), value, np.float32)
    with pytest.raises(FacesError, match=rf"the model: tensor '{tensor}.*at input 2"):
        record_ranges(rnet, [*_pictures(1), bad])


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(np.zeros((1, 24, 24, 3), np.float32), id="another batch"),
        pytest.param(np.zeros((8, 24, 24, 3), np.uint8), id="another type"),
    ],
)
def test_inputs_of_another_shape_are_refused(rnet: bytes, bad: np.ndarray) -> None:
    """What the model takes and what it was given is said."""
    with pytest.raises(ModelFileError, match=r"takes float32 \(8, 24, 24, 3\), was given"):
        record_ranges(rnet, [bad])


def test_no_pictures_are_refused(rnet: bytes) -> None:
    """Ranges of nothing would quantize everything to nothing."""
    with pytest.raises(FacesError, match="no pictures to record"):
        record_ranges(rnet, [])


def test_a_file_that_is_no_model_is_refused() -> None:
    """A foreign file is refused before any native code sees it."""
    with pytest.raises(ModelFileError, match=r"a\.keras is not a TensorFlow Lite model"):
        record_ranges(b"PK\x03\x04" + bytes(100), [], where="a.keras")


def test_a_quantized_model_is_refused(shared_data: Path) -> None:
    """Ranges come from a float model; an integer one is named as such."""
    folder = shared_data / "third_party" / "coral"
    path = next(path for path in sorted(folder.glob("*.tflite")) if "edgetpu" not in path.name)
    with pytest.raises(ModelFileError, match="give the float"):
        record_ranges(path.read_bytes(), [], where=path.name)


def test_a_file_is_read_back_as_written(tmp_path: Path) -> None:
    """Writing and reading is the identity, and writing twice gives the same bytes."""
    path = tmp_path / "a.ranges.json"
    write_ranges(path, RANGES)
    first = path.read_bytes()
    assert read_ranges(path) == RANGES
    write_ranges(path, read_ranges(path))
    assert path.read_bytes() == first
    assert list(json.loads(first)) == ["format", "model_digest", "tensors", "calibration"]


def test_recorded_ranges_survive_the_file(tmp_path: Path, rnet: bytes) -> None:
    """No float32 is changed by its way through the file."""
    recorded = record_ranges(rnet, _pictures(1))
    path = tmp_path / "a.ranges.json"
    write_ranges(path, Ranges("ab" * 32, recorded, CALIBRATION))
    assert read_ranges(path).tensors == recorded


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"format": 2}, "found format 2", id="a later format"),
        pytest.param({"format": None}, "'format' is missing", id="no format"),
        pytest.param({"model_digest": 7}, "model_digest is 7", id="a digest that is a number"),
        pytest.param({"tensors": {"a": [2, 1]}}, "range of a is", id="backwards"),
        pytest.param({"tensors": {"a": [float("nan"), 1]}}, "range of a is", id="NaN"),
        pytest.param({"tensors": {"a": [1]}}, "no ranges file", id="one end only"),
        pytest.param({"tensors": {"a": ["x", "y"]}}, "no ranges file", id="texts"),
        pytest.param({"calibration": None}, "'calibration' is missing", id="no calibration"),
        pytest.param({"calibration": {"n": 1}}, "'digest' is missing", id="half of it"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """What is wrong with a ranges file is said, with what to do."""
    path = tmp_path / "a.ranges.json"
    write_ranges(path, RANGES)
    document = {**json.loads(path.read_text()), **change}
    kept = {name: value for name, value in document.items() if value is not None}
    path.write_text(json.dumps(kept))
    with pytest.raises(ModelFileError, match=message):
        read_ranges(path)


@pytest.mark.parametrize("data", [b"", b"not json", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(tmp_path: Path, data: bytes) -> None:
    """Foreign files are refused whatever is in them."""
    path = tmp_path / "a.ranges.json"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="is no ranges file"):
        read_ranges(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there is named, with the command that makes it."""
    with pytest.raises(ModelFileError, match=r"cannot read the ranges .*faceage-calibrate ranges"):
        read_ranges(tmp_path / "a.ranges.json")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Writing into a folder that is not there is an error of ours."""
    with pytest.raises(OutputError, match="cannot write"):
        write_ranges(tmp_path / "missing" / "a.json", RANGES)


def test_calibration_names_its_pictures(face_set: Callable[..., FaceSet]) -> None:
    """The chosen pictures are found again by the prefixes that the file keeps."""
    faces = face_set(Label(1.0), Label(2.0), Label(3.0))
    calibration = Calibration.of(faces, faces.faces[:2])
    assert calibration.n == 2
    assert calibration.pictures == tuple(face.digest[:10] for face in faces.faces[:2])
    assert calibration.digest == faces.only(faces.faces[:2]).digest
    with pytest.raises(FacesError, match="2 of 3"):
        check_disjoint(calibration.pictures, faces)


@pytest.mark.parametrize(("count", "batches"), [(1, 1), (4, 1), (5, 2), (8, 2), (0, 0)])
def test_inputs_come_in_full_batches(count: int, batches: int) -> None:
    """Crops are encoded by the contract; the last one fills a batch up."""
    wanted = Input(
        name="input", batch=4, height=2, width=2, colour="RGB", dtype="float32", scale=1.0,
        zero_point=0, normalisation=Normalisation("affine", (128.0,) * 3, (128.0,) * 3),
    )  # fmt: skip
    crops = np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)
    inputs = list(model_inputs(wanted, crops))
    assert len(inputs) == batches
    assert all((part.shape, part.dtype) == ((4, 2, 2, 3), np.float32) for part in inputs)
    if count:
        encoded = np.concatenate(inputs)
        expected = (crops[..., ::-1].astype(np.float32) - 128) / 128
        assert (encoded[:count] == expected).all()
        assert (encoded[count:] == expected[-1]).all()


def test_trimmed_ranges_cut_the_rarest_pictures(shipped: Any) -> None:
    """One wild input of a hundred widens a hidden tensor's range, and not the trimmed one; what
    goes in and comes out keeps its whole range."""
    data = (shipped.mtcnn.parent / "face-finder/face-finder-aligner.float32.tflite").read_bytes()
    recorder = RecordingInterpreter(data, "aligner")
    index = recorder.get_input_details()[0]["index"]
    random = np.random.default_rng(0)
    for number in range(100):
        wild = 40.0 if number == 50 else 1.0
        pixels = random.uniform(-wild, wild, (1, 48, 48, 3)).astype(np.float32)
        recorder.set_tensor(index, pixels)
        recorder.invoke()
    whole, trimmed = recorder.ranges, recorder.trimmed(0.98)
    hidden = whole.keys() - {"input", "face_logit", "box", "landmarks"}
    assert all(trimmed[name][1] <= whole[name][1] for name in hidden)
    # The first convolution is linear: the wild input is forty times as large.
    first = next(name for name in whole if "conv1" in name)
    assert trimmed[first][1] < whole[first][1] / 10
    assert trimmed["input"] == whole["input"]
    assert trimmed["landmarks"] == whole["landmarks"]


def test_learnt_ranges_say_so(tmp_path: Path) -> None:
    """What `faceage-train --qat` did is read back as written; half of it is no record."""
    learnt = Ranges(
        "a" * 64, {"input": (-1.0, 1.0)}, Calibration(9, "b" * 64, ()), qat={"steps": 3, "faces": 9}
    )
    write_ranges(tmp_path / "r.json", learnt)
    assert read_ranges(tmp_path / "r.json") == learnt
    text = (tmp_path / "r.json").read_text()
    (tmp_path / "r.json").write_text(text.replace('"steps": 3, ', ""))
    with pytest.raises(ModelFileError, match="'steps' is missing"):
        read_ranges(tmp_path / "r.json")
