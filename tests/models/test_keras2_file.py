"""A trained run as a Keras 2 file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import ModelFileError
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.age_run_files import save_model
from faceage_models.keras2_file import main, write_keras2
from faceage_models.keras_file import float_tflite
from faceage_models.same_answers import tflite_answers

OPTIONS = {"backbone": "lenet", "size": 32, "alpha": 1.0, "dropout": 0.0, "normalise": "unit"}


# Head, the years that 1 of its numbers means in the trainer's file and in the authors'.
ENDS = [("coral", 1.0, 1.0), ("regression", 100.0, 1.0), ("regression-mse", 100.0, 100.0)]


@pytest.mark.parametrize(("head", "scale", "published"), ENDS, ids=[end[0] for end in ENDS])
def test_the_same_answers(
    head: str, scale: float, published: float, keras: Any, tmp_path: Path
) -> None:
    """CORAL's ends in its authors' layer and probabilities, a regression in years or 0 to 1."""
    model = age_model("lenet", HEADS[head], size=32, alpha=1.0, normalise="unit")
    HEADS[head].begin(model, np.tile(np.arange(1.0, 90)[:, None], 2))
    save_model(model, tmp_path / "best.keras")
    answer = {"head": HEADS[head].name, "years_scale": scale}
    (tmp_path / "best.json").write_text(json.dumps({"outputs": [answer]}))
    (tmp_path / "train.json").write_text(json.dumps({"options": OPTIONS | {"head": head}}))
    assert main(["--run", str(tmp_path), "--out", str(tmp_path / "theirs.h5")]) == 0
    stated = json.loads((tmp_path / "theirs.contract.json").read_text())["outputs"][0]
    assert stated["years_scale"] == published
    pixels = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    ours = np.asarray(model(pixels)) * (scale / published)
    if head == "coral":
        ours = np.asarray(keras.ops.sigmoid(ours))
    (theirs,) = tflite_answers(float_tflite(tmp_path / "theirs.h5").data, pixels, "it").values()
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-5)


def test_no_run(keras: Any, tmp_path: Path) -> None:
    """It is said what a run is."""
    assert keras
    with pytest.raises(ModelFileError, match="is no folder of faceage-train"):
        write_keras2(tmp_path, tmp_path / "theirs.h5")
