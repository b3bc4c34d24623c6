"""`faceage-train --qat`: usage, errors, and a few steps of it where its packages are installed."""

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.bright_faces import write_faces

from faceage_calibration.ranges import read_ranges
from faceage_edge.errors import FaceageError, ModelFileError
from faceage_models import qat_packages
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.age_run_files import save_model
from faceage_models.keras_loading import load_keras
from faceage_models.qat_network import check_monotone
from faceage_models.qat_run import QatRun
from faceage_models.train_age import main

NETWORK = ["--backbone", "lenet", "--size", "32", "--alpha", "0.25"]
QAT = [*NETWORK, "--qat", "--batch", "16"]

needs_tfmot = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_model_optimization") is None,
    reason="needs tensorflow-model-optimization: pip install '.[qat]'",
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Faces to learn from and others to validate on."""
    folder = tmp_path_factory.mktemp("faces")
    return write_faces(folder / "train", 48), write_faces(folder / "dev", 24, first=1000)


@pytest.fixture
def start(keras: Any, tmp_path: Path) -> Path:
    """A model to go on with: LeNet with a CORAL head that knows which ages are usual."""
    model = age_model("lenet", HEADS["coral"], size=32, alpha=0.25)
    HEADS["coral"].begin(model, np.tile(np.arange(1.0, 90)[:, None], 2))
    save_model(model, tmp_path / "start.keras")
    return tmp_path / "start.keras"


def train(sets: tuple[Path, Path], out: Path, *more: str) -> int:
    """Run the command."""
    return main(["--data", str(sets[0]), "--validate", str(sets[1]), "--out", str(out), *more])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--start FILE.keras"),
        (["--start", "weights.npz"], "--start FILE.keras"),
        (["--start", "a.keras", "--head-epochs", "1"], "leave out --head-epochs"),
        (["--start", "a.keras", "--train-from", "conv1"], "leave out --train-from"),
        (["--start", "a.keras", "--dropout", "0.1"], "leave out --dropout"),
        (["--start", "a.keras", "--grid", "dropout=0,0.1"], "leave out --dropout"),
        (["--start", "a.keras", "--also-distribution", "1"], "leave out --also-distribution"),
        (["--start", "a.keras", "--epoch-steps", "0"], "--epoch-steps"),
        (["--start", "a.keras", "--precision", "bfloat16"], "leave out --precision"),
    ],
)
def test_usage(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What --qat cannot do is said before anything is read, with code 2."""
    with pytest.raises(SystemExit) as ended:
        train((tmp_path, tmp_path), tmp_path, "--qat", *more)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_without_its_packages(
    sets: tuple[Path, Path],
    start: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One message names the extra, before faces are cut; nothing is written."""
    monkeypatch.setitem(sys.modules, "tensorflow_model_optimization", None)
    assert train(sets, tmp_path / "run", *QAT, "--start", str(start)) == 1
    shown = capsys.readouterr().err
    assert "tensorflow-model-optimization" in shown and "[qat]" in shown
    assert "faces of" not in shown and not (tmp_path / "run").exists()


def test_another_back_end_is_refused(monkeypatch: pytest.MonkeyPatch, keras: Any) -> None:
    """tensorflow-model-optimization knows no other than TensorFlow."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(FaceageError, match="found KERAS_BACKEND=torch"):
        qat_packages.import_qat()


def test_ranks_that_contradict_each_other() -> None:
    """Falling logits pass, equal ones too; one that rises is refused."""
    falling = np.array([[3.0, 1.0, 1.0, -2.0]])
    check_monotone(falling, "they")
    with pytest.raises(ModelFileError, match="they contradict each other: one rises by 3"):
        check_monotone(falling[:, ::-1], "they")


@needs_tfmot
def test_import_leaves_keras_3_alone(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the import would leave in the environment is put back, and Keras 3 goes on working."""
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    model = age_model("lenet", HEADS["coral"], size=32, alpha=0.25)
    picture = np.ones((1, 32, 32, 3), np.float32)
    before = np.asarray(model(picture))
    tf_keras, _ = qat_packages.import_qat()
    assert "TF_USE_LEGACY_KERAS" not in os.environ
    import tensorflow as tf

    assert tf.keras.__version__.startswith("3.") and tf_keras.__version__.startswith("2.")
    np.testing.assert_array_equal(np.asarray(model(picture)), before)
    assert isinstance(age_model("lenet", HEADS["coral"], size=32, alpha=0.25), keras.Model)


@needs_tfmot
def test_it_trains_and_goes_on(sets: tuple[Path, Path], start: Path, tmp_path: Path) -> None:
    """Two steps, then a third after a stop: the same as three at once; the head has not moved."""
    more = [*QAT, "--start", str(start), "--epoch-steps", "1", "--rate", "0.001"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(sets, whole, *more, "--epochs", "3") == 0
    real = QatRun._write_state

    class Stopped(Exception):
        """Someone pulled the plug."""

    def write_state(self: QatRun) -> None:
        real(self)
        if self.step == 2:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QatRun, "_write_state", write_state)
        with pytest.raises(Stopped):
            train(sets, parts, *more, "--epochs", "3")
    assert train(sets, parts, *more, "--epochs", "3") == 0
    ages = [json.loads((out / "train.json").read_text())["epochs"] for out in (whole, parts)]
    assert len(ages[0]) == 3
    np.testing.assert_allclose(
        [[one["loss"], one["mae"]] for one in ages[0]],
        [[one["loss"], one["mae"]] for one in ages[1]],
        rtol=1e-4,
    )
    before, after = load_keras(start).layers[-1], load_keras(whole / "best.keras").layers[-1]
    for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@needs_tfmot
def test_what_it_leaves(sets: tuple[Path, Path], start: Path, tmp_path: Path) -> None:
    """Float weights, the ranges that belong to them, and a record that says how."""
    more = [*QAT, "--start", str(start), "--epoch-steps", "2", "--epochs", "1"]
    assert train(sets, tmp_path, *more) == 0
    ranges = read_ranges(tmp_path / "best.ranges.json")
    digest = hashlib.sha256((tmp_path / "best.keras").read_bytes()).hexdigest()
    assert ranges.model_digest == digest
    assert ranges.qat == {"steps": 2, "faces": 48}
    assert ranges.tensors["conv1_relu"][0] == 0.0 < ranges.tensors["conv1_relu"][1]
    record = json.loads((tmp_path / "train.json").read_text())
    assert record["options"]["qat"] and record["steps"] == 2
    assert "tensorflow-model-optimization" in record["versions"]


@needs_tfmot
def test_no_number_is_no_model(
    sets: tuple[Path, Path],
    start: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A rate that blows up ends with code 1, and leaves the last good epoch as it was."""
    more = [*QAT, "--start", str(start), "--epoch-steps", "1"]
    assert train(sets, tmp_path, *more, "--epochs", "1") == 0
    kept = (tmp_path / "state.npz").read_bytes(), (tmp_path / "best.keras").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        real = QatRun._functions

        def functions(self: QatRun) -> Any:
            _, answer = real(self)
            return lambda *_: float("nan"), answer

        patch.setattr(QatRun, "_functions", functions)
        assert train(sets, tmp_path, *more, "--epochs", "2") == 1
    assert "not a number in step 1" in capsys.readouterr().err
    assert kept == ((tmp_path / "state.npz").read_bytes(), (tmp_path / "best.keras").read_bytes())


@needs_tfmot
def test_another_model_is_refused(
    sets: tuple[Path, Path], start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options that describe another picture than the model's: code 2, and both are named."""
    more = [*QAT, "--start", str(start)]
    more[more.index("32")] = "64"
    assert train(sets, tmp_path / "run", *more) == 2
    shown = capsys.readouterr().err
    assert "(32, 32, 3)" in shown and "(64, 64, 3)" in shown
