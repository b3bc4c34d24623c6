"""A user's own model in every format: converted on their faces, with what it cost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.choice_file import read_choice, write_choice
from faceage_calibration.choose_command import make_choice
from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.ranges import read_ranges
from faceage_convert.cli import main
from faceage_convert.compare import age_errors
from faceage_edge.age import load_age_model
from faceage_edge.embedded import contract_bytes, model_digest
from faceage_edge.model import load_model

Convert = Callable[..., Any]
Build = Callable[..., Any]


@pytest.fixture
def build() -> Build:
    """Return a function that builds a small Keras age model with random, lively weights."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras

    keras = import_keras()
    layers = keras.layers

    def make(size: int, activation: str | None = None, *, rescaling: bool = False) -> Any:
        keras.utils.set_random_seed(size)
        inputs = keras.Input((40, 40, 3))
        x = layers.Rescaling(1 / 127.5, -1)(inputs) if rescaling else inputs
        x = layers.Conv2D(8, 3, strides=2, activation="relu6", kernel_initializer="he_normal")(x)
        x = layers.DepthwiseConv2D(3, activation="relu6")(x)
        x = layers.GlobalAveragePooling2D()(x)
        # So large that answers differ by many int8 steps, as those of a trained model do.
        spread = keras.initializers.RandomNormal(stddev=20.0 if size == 1 else 3.0)
        ages = layers.Dense(size, activation, kernel_initializer=spread, name="ages")
        return keras.Model(inputs, ages(x), name="own")

    return make


def read_report(out: Path) -> dict[str, Any]:
    """The report of a bundle."""
    document: dict[str, Any] = json.loads((out / "report.json").read_text())
    return document


def _save(model: Any, path: Path) -> None:
    if path.suffix == ".tflite":
        from faceage_models.tflite_export import to_tflite

        path.write_bytes(to_tflite(model))
    elif path.suffix:
        model.save(path)
    else:
        model.export(path, verbose=False)


FORMATS = [
    (100, None, False, "age.keras", "coral", "CORAL, Keras 3"),
    (100, "sigmoid", False, "age.keras", "coral", "CORAL behind its sigmoid"),
    (101, "softmax", False, "age.h5", "distribution", "classes behind their softmax, legacy .h5"),
    (1, None, True, "age.keras", "regression", "one number, with a Rescaling layer"),
    (100, None, False, "saved", "coral", "a SavedModel folder"),
    (101, None, False, "age.tflite", "distribution", "a float .tflite"),
]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
@pytest.mark.parametrize(
    ("size", "activation", "rescaling", "file", "head", "note"),
    FORMATS,
    ids=[case[5] for case in FORMATS],
)
def test_keras_models(
    build: Build,
    convert: Convert,
    write_faces: Callable[..., Path],
    tmp_path: Path,
    size: int,
    activation: str | None,
    rescaling: bool,
    file: str,
    head: str,
    note: str,
) -> None:
    """Every format ends in an int8 file that looks at faces, and a report of what was assumed."""
    path, out = tmp_path / file, tmp_path / "out"
    _save(build(size, activation, rescaling=rescaling), path)
    run = convert("--model", path, "--faces", write_faces(44), "--crops", "aligned", "--out", out)
    assert run.code == 0, run.err
    age = read_report(out)["files"][0]
    assert age["file"] == f"{path.stem}.int8.tflite"
    assert (age["scheme"], age["outputs"][0]["head"]) == ("int8", head)
    assert age["calibration_faces"] == 22
    assumed = " ".join(age["assumed"])
    assert ("was taken off" in assumed) == (activation is not None)
    assert ("normalisation bytes" in assumed) == rescaling
    assert "LOGISTIC" not in age["operators"]
    assert "SOFTMAX" not in age["operators"]


@pytest.fixture(scope="module")
def own(
    tmp_path_factory: pytest.TempPathFactory, faces_in: Callable[..., Path], bare_float: bytes
) -> tuple[Path, Path]:
    """A bundle of the bare shipped model, converted like a user's, and the faces measured on."""
    home = tmp_path_factory.mktemp("own")
    faces, others = faces_in(home / "faces", 40), faces_in(home / "others", 30, start=500)
    (home / "mine.tflite").write_bytes(bare_float)
    code = main(
        ["--model", str(home / "mine.tflite"), "--faces", str(faces), "--eval-faces", str(others)]
        + ["--crops", "aligned", "--count", "30", "--normalise", "signed-128"]
        + ["--out", str(home / "out")]
    )
    assert code == 0
    return home / "out", others


def test_bundle_of_an_own_model(own: tuple[Path, Path]) -> None:
    """Float and int8 files with sidecars of the same bytes, ranges of this float model."""
    out, _ = own
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {
        "mine.int8.tflite", "mine.int8.json", "mine.ranges.json", "float/mine.float32.tflite",
        "float/mine.float32.json", "report.json", "report.md", "face-finder-finder.int8.tflite",
    } <= names  # fmt: skip
    assert sorted(names) == read_report(out)["contents"]
    for file in out.rglob("*.tflite"):
        contract = load_model(file).contract
        assert file.with_suffix(".json").read_bytes() == contract_bytes(contract)
        assert contract.model_digest == model_digest(file.read_bytes())
    ranges = read_ranges(out / "mine.ranges.json")
    source = load_model(out / "float" / "mine.float32.tflite")
    assert ranges.model_digest == source.digest
    assert ranges.calibration.n == 30
    contract = load_model(out / "mine.int8.tflite").contract
    assert contract.provenance["source_digest"] == source.digest
    assert len(contract.provenance["calibration"]["pictures"]) == 300


def _crops(faces: FaceSet, out: Path) -> Any:
    template = load_age_model(out / "mine.int8.tflite").template
    return crop_all(faces, FaceCropper(template, mode="aligned"))[0]


def test_figures_agree_with_the_files(own: tuple[Path, Path]) -> None:
    """Running the two files of the bundle on the same faces gives the report's figures."""
    out, others = own
    faces = read_faces(others)
    crops = _crops(faces, out)
    labels = [face.label for face in faces.faces]
    files = (out / "float" / "mine.float32.tflite", out / "mine.int8.tflite")
    before, after = (load_age_model(file).estimate(crops).years for file in files)
    found = read_report(out)["comparison"]
    assert found["n"] == 30
    assert found["mae_float"] == pytest.approx(age_errors(before, labels).mean())
    assert found["mae_int8"] == pytest.approx(age_errors(after, labels).mean())
    assert found["delta_mae"] == pytest.approx(found["mae_int8"] - found["mae_float"])
    assert found["shift_max_abs"] == pytest.approx(np.abs(after - before).max())
    low, high = found["delta_mae_ci95"]
    assert low <= found["delta_mae"] <= high
    contract = load_model(files[1]).contract
    assert contract.provenance["measured"]["delta_mae"] == round(found["delta_mae"], 4)
    assert contract.provenance["measured"]["set_digest"] == faces.digest


def test_interval_covers_what_it_was_fitted_on(own: tuple[Path, Path]) -> None:
    """At least nine of ten calibration faces lie in the interval that the contract carries."""
    out, others = own
    contract = load_model(out / "mine.int8.tflite").contract
    assert contract.interval is not None
    assert (contract.interval.coverage, contract.interval.n) == (0.9, 30)
    used = contract.provenance["calibration"]["pictures"]
    everyone = read_faces(others.parent / "faces")
    faces = everyone.only([face for face in everyone.faces if face.digest[:10] in used])
    assert len(faces.faces) == 30
    ages = load_age_model(out / "mine.int8.tflite").estimate(_crops(faces, out))
    true = np.array([face.label.years for face in faces.faces])
    assert np.mean((ages.low <= true) & (true <= ages.high)) >= 0.9


def test_faces_chosen_for_the_interval(
    own: tuple[Path, Path], convert: Convert, tmp_path: Path
) -> None:
    """Faces that are measured on serve the interval beside the others, and the contract says so."""
    out, others = own
    measured_on = read_faces(others)
    write_choice(tmp_path / "c.json", make_choice([measured_on], [], count=15, seed=0))
    again = convert(
        "--model", out / "float" / "mine.float32.tflite", "--faces", others.parent / "faces",
        "--count", 30, "--eval-faces", others, "--crops", "aligned",
        "--interval-choice", tmp_path / "c.json", "--out", tmp_path / "again",
    )  # fmt: skip
    assert again.code == 0, again.err
    before, after = (load_model(x / "mine.int8.tflite").contract for x in (out, tmp_path / "again"))
    assert after.interval is not None and after.interval.n == 45
    digests = sorted(read_choice(tmp_path / "c.json").digests)
    assert after.provenance["interval_pictures"] == "".join(one[:10] for one in digests)
    assert after.provenance["graph_digest"] == before.provenance["graph_digest"]
    measured = [read_report(x)["comparison"]["mae_int8"] for x in (out, tmp_path / "again")]
    assert measured[0] == measured[1]


def test_ranges_come_back_the_same(
    own: tuple[Path, Path], convert: Convert, tmp_path: Path
) -> None:
    """The bundle's float file, converted again on the same faces, gives the same int8 graph."""
    out, others = own
    again = convert(
        "--model", out / "float" / "mine.float32.tflite", "--faces", others.parent / "faces",
        "--count", 30, "--eval-faces", others, "--crops", "aligned", "--out", tmp_path / "again",
    )  # fmt: skip
    assert again.code == 0, again.err
    one, two = (folder / "mine.int8.tflite" for folder in (out, tmp_path / "again"))
    assert one.read_bytes() == two.read_bytes()


def test_unlabelled_faces(
    convert: Convert, write_faces: Callable[..., Path], write_model: Callable[..., Path]
) -> None:
    """Faces without ages are enough to convert; the report says what is then not known."""
    faces = write_faces(26, name="portrait{n}.jpg")
    out = faces.parent / "out"
    run = convert("--model", write_model(), "--faces", faces, "--crops", "aligned", "--out", out)
    assert run.code == 0, run.err
    report = read_report(out)
    assert report["comparison"]["n"] == 6
    assert report["comparison"]["delta_mae"] is None
    assert report["files"][0]["interval"] is None
    assert "not every face has an age, so the error itself is not known" in run.out


def test_no_face_left_to_measure_on(
    convert: Convert, write_faces: Callable[..., Path], write_model: Callable[..., Path]
) -> None:
    """With twenty faces all go into the ranges, and the report says so."""
    faces = write_faces(20)
    out = faces.parent / "out"
    run = convert("--model", write_model(), "--faces", faces, "--crops", "aligned", "--out", out)
    assert run.code == 0, run.err
    assert read_report(out)["comparison"] is None
    assert "Not measured: all 20 faces went into the ranges." in run.out


def test_probabilities_under_a_wrong_ending(
    convert: Convert,
    write_faces: Callable[..., Path],
    write_model: Callable[..., Path],
    bare_float: bytes,
    with_activation: Callable[..., bytes],
) -> None:
    """A sigmoid that something follows is not seen in the graph, but in the numbers."""
    sigmoid = with_activation(bare_float, "LOGISTIC")
    hidden = with_activation(sigmoid, "RELU", name="hidden")
    faces = write_faces(20)
    run = convert(
        "--model", write_model(hidden), "--faces", faces, "--crops", "aligned",
        "--out", faces.parent / "out",
    )  # fmt: skip
    assert run.code == 1
    assert "looks like probabilities; a coral head is decoded from logits" in run.err
    assert not (faces.parent / "out").exists()


def test_detect_crops_of_real_faces(convert: Convert, shared_data: Path, tmp_path: Path) -> None:
    """On UTKFace, cropped by the detector, the shipped float model loses less than half a year."""
    out = tmp_path / "out"
    run = convert(
        "--model", "age-mobilenet-coral/age-mobilenet-coral.float32.tflite",
        "--faces", shared_data / "data" / "utkface-calib.tar", "--count", 60,
        "--eval-faces", shared_data / "data" / "utkface-dev.tar", "--eval-count", 100,
        "--out", out,
    )  # fmt: skip
    assert run.code == 0, run.err
    found = read_report(out)["comparison"]
    assert (found["n"], found["crops"]) == (100, "detect")
    assert found["missed"] <= 5
    assert found["mae_float"] < 8
    assert abs(found["delta_mae"]) < 0.5
    assert "of which the detector missed" in run.out
