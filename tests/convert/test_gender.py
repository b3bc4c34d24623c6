"""A model that says gender beside age: from Keras through int8 to what the camera loop writes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_edge import camera
from faceage_edge.model import load_model

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

STATED = {
    "name": "both",
    "input": {"colour": "RGB", "normalisation": {"kind": "affine", "mean": [127.5] * 3,
                                                 "std": [127.5] * 3}},
    "outputs": [
        {"name": "years", "head": "regression", "years_offset": 40.0, "years_scale": 10.0},
        {"name": "sex", "head": "gender", "labels": ["female", "male"]},
    ],
}  # fmt: skip


@pytest.fixture
def model(tmp_path: Path, write_json: Callable[..., Path]) -> tuple[Path, Path]:
    """A .h5 with both outputs, gender behind a softmax, and its contract."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.frameworks import import_keras

    keras = import_keras()
    keras.utils.set_random_seed(4)
    layers = keras.layers
    spread = keras.initializers.RandomNormal(stddev=3.0)
    pixels = keras.Input((40, 40, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu6", kernel_initializer="he_normal")(pixels)
    x = layers.GlobalAveragePooling2D()(x)
    gender = layers.Dense(2, "softmax", kernel_initializer=spread, name="sex")(x)
    years = layers.Dense(1, kernel_initializer=spread, name="years")(x)
    # Gender first: outputs are known by name.
    keras.Model(pixels, [gender, years]).save(tmp_path / "both.keras")
    return tmp_path / "both.keras", write_json(STATED)


def test_from_keras_to_the_loop(
    model: tuple[Path, Path],
    convert: Callable[..., Any],
    write_faces: Callable[..., Path],
    write_frames: Callable[..., Path],
    walking_face: list[Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The report tells how often float and int8 are right; the loop tells it only when asked."""
    path, stated = model
    words = ["--model", path, "--contract", stated, "--faces", write_faces(60), "--crops"]
    words += ["aligned", "--max-drop", "9", "--max-band-drop", "99", "--out", tmp_path / "out"]
    run = convert(*words)
    assert run.code == 0, run.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    gender = report["comparison"]["gender"]
    assert gender["n"] == report["comparison"]["n"] and 0.5 <= gender["majority"] < 1
    assert 0 < gender["float32"] < 1 and gender["alike"] > 0.8
    assert f"int8 {gender['int8']:.1%} of the" in (tmp_path / "out" / "report.md").read_text()
    assert "gender right" in (tmp_path / "out" / "report.html").read_text()
    contract = load_model(tmp_path / "out" / "both.int8.tflite").contract
    assert contract.scheme == "int8" and contract.output("gender").labels == ("female", "male")
    assert contract.provenance["measured"]["gender"]["n"] == gender["n"]

    seen = ["--source", str(write_frames(walking_face)), "--models", str(tmp_path / "out")]
    for asked in (["--gender"], []):
        assert camera.main([*seen, *asked]) == 0
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        faces = [face for line in lines for face in line["faces"]]
        assert len(faces) >= len(walking_face)
        assert {"gender" in face for face in faces} == {bool(asked)}
        if asked:
            assert {face["gender"] for face in faces} <= {"female", "male"}
            assert all(0.5 <= face["gender_share"] <= 1 for face in faces)


def test_asked_of_a_model_that_has_none(
    write_frames: Callable[..., Path], walking_face: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """An error before the first frame, which names what the model has."""
    assert camera.main(["--source", str(write_frames(walking_face)), "--gender"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and "has no gender output, only: coral" in err.splitlines()[-1]
