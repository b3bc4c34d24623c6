"""An age model of two files, from Keras to the camera loop; it says Adience's eight groups."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.cli import main as benchmark
from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.faces import read_faces
from faceage_edge import camera
from faceage_edge.age import decode_ages, load_age_model
from faceage_edge.model import load_model
from faceage_edge.two_branches import pieces_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

ADIENCE = [[0, 3], [4, 7], [8, 13], [15, 21], [25, 33], [38, 44], [48, 54], [60, 101]]
INPUT = {
    "colour": "BGR",
    "normalisation": {"kind": "affine", "mean": [103.9, 116.8, 123.7], "std": [1, 1, 1]},
}
GROUPS = {"name": "ages", "head": "groups", "bounds": ADIENCE}
WHOLE = {"name": "whole", "input": INPUT, "outputs": [{"name": "where", "head": "region"}, GROUPS]}
CLOSER = {"name": "closer", "input": INPUT, "crop": {"kind": "region"}, "outputs": [GROUPS]}


@pytest.fixture
def files(tmp_path: Path, write_json: Callable[..., Path]) -> list[object]:
    """The command line's words for two untrained Keras models and their contracts."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras

    keras = import_keras()
    keras.utils.set_random_seed(8)
    layers = keras.layers

    def branch(size: int, *, says_where: bool) -> Any:
        pixels = keras.Input((size, size, 3))
        x = layers.Rescaling(1 / 128)(pixels)
        x = layers.Conv2D(8, 3, 2, activation="relu", kernel_initializer="he_normal")(x)
        x = layers.GlobalAveragePooling2D()(x)
        spread = keras.initializers.RandomNormal(stddev=3.0)
        ages = layers.Dense(8, "softmax", kernel_initializer=spread, name="ages")(x)
        if not says_where:
            return keras.Model(pixels, ages)
        # The upper left part of the face, more or less of it from picture to picture.
        bias = keras.initializers.Constant([-2.0, -2.0, 0.5, 0.5])
        corners = layers.Dense(4, "sigmoid", bias_initializer=bias, name="where")(x)
        return keras.Model(pixels, [ages, corners])

    branch(48, says_where=True).save(tmp_path / "whole.keras")
    branch(32, says_where=False).save(tmp_path / "closer.keras")
    words: list[object] = ["--model", tmp_path / "whole.keras", "--crops", "aligned"]
    words += ["--contract", write_json(WHOLE, "whole.json"), "--closer", tmp_path / "closer.keras"]
    words += ["--closer-contract", write_json(CLOSER, "closer.json")]
    return [*words, "--max-drop", "9", "--max-band-drop", "99"]


def test_from_keras_to_the_loop(
    files: list[object],
    convert: Callable[..., Any],
    faces_in: Callable[..., Path],
    write_frames: Callable[..., Path],
    walking_face: list[Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Both become int8, the second names the first, and the camera says what they say together."""
    faces, others = faces_in(tmp_path / "faces", 30), faces_in(tmp_path / "others", 40, start=500)
    out = tmp_path / "out"
    run = convert(*files, "--faces", faces, "--eval-faces", others, "--out", out)
    assert run.code == 0, run.err
    first, second = (load_model(out / f"{name}.int8.tflite") for name in ("whole", "closer"))
    assert [one.contract.scheme for one in (first, second)] == ["int8", "int8"]
    assert second.contract.crop.of == first.digest
    assert first.contract.interval is None and second.contract.interval is not None
    report = json.loads((out / "report.json").read_text())
    assert [file["name"] for file in report["files"][:2]] == ["closer", "whole"]

    both = load_age_model(out / "closer.int8.tflite")
    labelled = read_faces(others)
    crops = crop_all(labelled, FaceCropper(both.template, mode="aligned"))[0]
    said = first.run(crops)
    pieces = pieces_of(said, first, second, crops)
    assert pieces.shape == (40, 32, 32, 3) and pieces.std() > 0
    added = {"ages": said["ages"] + second.run(pieces)["ages"]}
    years = both.estimate(crops).years
    np.testing.assert_allclose(years, decode_ages(added, second.contract).years)
    true = np.array([face.label.years for face in labelled.faces])
    assert report["comparison"]["mae_int8"] == pytest.approx(np.abs(years - true).mean())
    float32 = load_age_model(out / "float" / "closer.float32.tflite").estimate(crops).years
    assert report["comparison"]["mae_float"] == pytest.approx(np.abs(float32 - true).mean())

    measured = tmp_path / "accuracy.json"
    words = ["accuracy", "--model", str(out / "closer.int8.tflite"), "--faces", str(others)]
    words += ["--against", str(out / "float" / "closer.float32.tflite"), "--crops", "aligned"]
    assert benchmark([*words, "--json", str(measured)]) == 0
    result = json.loads(measured.read_text())
    assert result["mae"] == pytest.approx(report["comparison"]["mae_int8"], abs=1e-3)
    against = result["against_figures"]["mae"]
    assert against == pytest.approx(report["comparison"]["mae_float"], abs=1e-3)
    assert len(result["group_scores"]["bounds"]) == len(ADIENCE)
    assert result["against"]["scheme"] == "float32"
    assert result["model"]["whole"]["digest"] == first.digest
    sizes = [(out / f"{name}.int8.tflite").stat().st_size for name in ("whole", "closer")]
    assert result["model"]["bytes"] == sum(sizes)
    alone = ["accuracy", "--model", str(out / "whole.int8.tflite"), *words[3:]]
    assert benchmark([*alone, "--json", str(measured)]) == 1
    assert "says only its part of an age" in capfd.readouterr().err

    source = ["--source", str(write_frames(walking_face))]
    assert camera.main([*source, "--models", str(out)]) == 0
    printed, told = capfd.readouterr()
    lines = [json.loads(line) for line in printed.splitlines()]
    assert sum(len(line["faces"]) for line in lines) >= len(walking_face)
    assert all(0 < face["age"] < 101 for line in lines for face in line["faces"])
    assert f"ages by {out / 'closer.int8.tflite'}" in told
    shutil.move(out / "whole.int8.tflite", tmp_path)
    assert camera.main([*source, "--models", str(out)]) == 1
    assert "is not beside it; keep the two files" in capfd.readouterr().err


@pytest.mark.parametrize("scheme", ["dynamic", "float16", "int8-float-io", "none"])
def test_other_schemes(
    scheme: str, files: list[object], convert: Callable[..., Any], faces_in: Any, tmp_path: Path
) -> None:
    """Both files in that scheme; the float ones of a bundle are taken again, contracts inside."""
    faces = faces_in(tmp_path / "faces", 30)
    taken = ["--model", files[1], *files[4 : files.index("--max-drop")]]
    given = [] if scheme == "none" else ["--faces", faces, *files[2:4]]
    out, again = tmp_path / "out", tmp_path / "again"
    run = convert(*taken, *given, "--quantize", scheme, "--out", out)
    assert run.code == 0, run.err
    made = "float32" if scheme == "none" else scheme
    crops = np.random.default_rng(2).integers(0, 256, (20, 48, 48, 3), np.uint8)
    both = load_age_model(out / f"closer.{made}.tflite")
    assert both.contract.scheme == made
    floats = out if scheme == "none" else out / "float"
    float32 = load_age_model(floats / "closer.float32.tflite")
    years = both.estimate(crops).years
    # Weights of 8 bits, or all of it: a hundredth of the spread of untrained answers.
    np.testing.assert_allclose(years, float32.estimate(crops).years, atol=1.0)
    assert years.std() > 1.0
    if scheme == "none":
        pair = ["--model", out / "whole.float32.tflite", "--closer", out / "closer.float32.tflite"]
        run = convert(*pair, "--quantize", "none", "--out", again)
        assert run.code == 0, run.err
        name = "closer.float32.tflite"
        assert (again / name).read_bytes() == (out / name).read_bytes()


def test_what_does_not_go_together(
    files: list[object],
    convert: Callable[..., Any],
    write_faces: Callable[..., Path],
    write_json: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """One message each, and no bundle."""
    faces = ["--faces", write_faces(30), "--out", tmp_path / "out"]
    closer = files.index("--closer")
    alone = [*files[:1], files[closer + 1], "--contract", files[closer + 3]]
    blind = write_json({**WHOLE, "outputs": [GROUPS]}, "blind.json")
    aligned = write_json({key: CLOSER[key] for key in ("name", "input", "outputs")}, "aligned.json")
    same = write_json({**CLOSER, "name": "whole"}, "same.json")

    def changed(option: str, value: object) -> list[object]:
        place = files.index(option) + 1
        return [*files[:place], value, *files[place + 1 :]]

    cases = [
        (alone, 2, "give it with --closer, beside the --model that says where"),
        (changed("--contract", blind), 2, 'names no output with the head "region"'),
        (changed("--closer-contract", aligned), 2, 'states [crop] kind = "region"'),
        (changed("--closer-contract", same), 2, "are both called 'whole'"),
        (files[: closer + 2], 2, "--closer and --closer-contract go together"),
        (files[:closer], 2, "give the second with --closer"),
        ([*files[:closer], *files[closer + 2 :]], 2, "without --closer FILE"),
        (files[2:], 2, "without --model, which says where"),
    ]
    for words, code, message in cases:
        run = convert(*words, *faces)
        assert run.code == code, run.err
        assert message in run.err.splitlines()[-1]
        assert not (tmp_path / "out").exists()
