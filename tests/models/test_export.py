"""The export command: files, their descriptions, exit codes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.embedded import model_digest
from faceage_models import export
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.age_run_files import save_model
from faceage_models.keras_loading import load_keras


def test_age_export(trained_file: Path, tmp_path: Path) -> None:
    """The .tflite and what it is: outputs, biases, cost, terms, digest."""
    out = tmp_path / "raw"
    command = ["age", "--name", "age-tiny", "--weights", str(trained_file), "--out", str(out)]
    assert export.main(command) == 0
    data = (out / "age-tiny.tflite").read_bytes()
    spec = json.loads((out / "age-tiny.json").read_text())
    assert spec["model_digest"] == model_digest(data)
    assert (spec["name"], spec["task"]) == ("age-tiny", "age")
    assert (spec["input"]["colour"], spec["input"]["width"]) == ("RGB", 32)
    assert "UTKFace" in spec["weights_terms"] and spec["licence"] == "non-commercial research"
    (output,) = spec["outputs"]
    assert (output["name"], output["head"], output["shape"]) == ("ranks", "coral", [1, 100])
    biases = load_keras(trained_file).layers[-1].get_weights()[1]
    np.testing.assert_allclose(output["rank_bias"], biases, atol=1e-6)
    assert set(spec["operations"]) == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN"}
    assert {"licence", "weights_terms", "multiply_adds", "parameters"} <= spec.keys()


def test_another_head_is_not_shipped(
    keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the device fuses over time are ranks."""
    path = tmp_path / "years.keras"
    save_model(age_model("mobilenet-v1", HEADS["regression"], alpha=0.25, size=32), path)
    assert export.main(["age", "--weights", str(path), "--out", str(tmp_path / "raw")]) == 1
    assert "expected a CORAL head" in capsys.readouterr().err


def test_mtcnn_export(keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three files with fixed shapes; their paths are printed."""
    pytest.importorskip("mtcnn")
    assert export.main(["mtcnn", "--out", str(tmp_path)]) == 0
    printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in printed] == [
        "mtcnn-pnet.tflite",
        "mtcnn-rnet.tflite",
        "mtcnn-onet.tflite",
    ]
    for path in printed:
        spec = json.loads(path.with_suffix(".json").read_text())
        assert (spec["task"], spec["licence"]) == ("face-detector", "MIT")
        heads = {output["name"]: output["head"] for output in spec["outputs"]}
        assert heads.items() >= {("box", "box-offsets"), ("face_logit", "face-logit")}


def test_missing_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Our error: exit code 1, one line, nothing written."""
    out = tmp_path / "raw"
    code = export.main(["age", "--weights", str(tmp_path / "no.keras"), "--out", str(out)])
    assert (code, out.exists()) == (1, False)
    assert "cannot read the model" in capsys.readouterr().err


def test_out_is_a_file(
    trained_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An output folder that cannot be made is named."""
    out = tmp_path / "taken"
    out.write_text("mine")
    assert export.main(["age", "--weights", str(trained_file), "--out", str(out)]) == 1
    assert "cannot make the folder" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_usage() -> None:
    """A command line without a kind ends with code 2."""
    with pytest.raises(SystemExit) as stop:
        export.main([])
    assert stop.value.code == 2
