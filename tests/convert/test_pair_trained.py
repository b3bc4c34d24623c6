"""A model of two files from `faceage-train` to the camera loop, on drawn faces: a few steps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.faces import read_faces
from faceage_edge import camera
from faceage_edge.age import load_age_model
from faceage_edge.model import load_model
from faceage_edge.two_branches import TwoBranches
from faceage_models.keras2_file import main as keras2_file
from faceage_models.keras2_pair import PAIRS
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.train_age import main as train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]


@pytest.mark.parametrize("backbone", PAIRS)
def test_from_faces_to_the_loop(
    backbone: str,
    convert: Callable[..., Any],
    faces_in: Callable[..., Path],
    write_frames: Callable[..., Path],
    walking_face: list[Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Trained as one network, written as two, int8 throughout, and said by both together."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    faces, others = faces_in(tmp_path / "faces", 48), faces_in(tmp_path / "others", 24, start=500)
    words = ["--data", str(faces), "--validate", str(others), "--out", str(tmp_path / "run")]
    words += ["--backbone", backbone, "--alpha", "0.05", "--size", "64", "--normalise", "caffe"]
    words += ["--head", "groups", "--batch", "16", "--epochs", "2", "--name", "pair"]
    assert train(words) == 0
    whole, closer = tmp_path / "whole.h5", tmp_path / "closer.h5"
    run = ["--run", str(tmp_path / "run"), "--out", str(whole), "--closer", str(closer)]
    assert keras2_file(run) == 0
    given: list[object] = ["--crops", "aligned", "--max-drop", "99", "--max-band-drop", "99"]
    for option, path in (("", whole), ("closer", closer)):
        words = [f"--{option or 'model'}", str(path)]
        words += [f"--{option}{'-' if option else ''}contract"]
        given += [*words, path.with_suffix(".contract.json")]
    out = tmp_path / "out"
    told = convert(*given, "--faces", faces, "--eval-faces", others, "--out", out)
    assert told.code == 0, told.err
    names = ("pair-whole", "pair")
    first, second = (load_model(out / f"{name}.int8.tflite") for name in names)
    assert [one.contract.scheme for one in (first, second)] == ["int8", "int8"]

    float32 = load_age_model(out / "float" / "pair.float32.tflite")
    crops = crop_all(read_faces(others), FaceCropper(float32.template, mode="aligned"))[0]
    network = load_keras(tmp_path / "run" / "best.keras", training_keras())
    mean = np.array([103.939, 116.779, 123.68], np.float32)
    wanted = np.asarray(network(crops.astype(np.float32) - mean))
    parts = [load_model(out / "float" / f"{name}.float32.tflite") for name in names]
    said = TwoBranches(*parts).run(crops)["ages"]
    # The bytes of the piece are rounded.
    np.testing.assert_allclose(said, wanted, atol=0.01 * float(np.abs(wanted).max()))
    assert wanted.std(axis=0).max() > 0

    source = ["--source", str(write_frames(walking_face)), "--models", str(out)]
    assert camera.main(source) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    ages = [face["age"] for line in lines for face in line["faces"]]
    assert len(ages) >= len(walking_face) and all(0 < age < 101 for age in ages)
