"""The measurement of what re-expressing the pilot's input costs."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceage_models import fold_error
from faceage_models.fold_error import compare_years


def _faces(folder: Path) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for age in (3, 30, 60):
        chip = random.integers(0, 256, (200, 200, 3), np.uint8)
        assert cv2.imwrite(str(folder / f"{age}_1_2_20170116174525125.png"), chip)
    return folder


def test_command_writes_the_figures(keras: Any, pilot_file: Path, tmp_path: Path) -> None:
    """The JSON says how many faces, which weights, and by how much ages move."""
    result = tmp_path / "fold.json"
    command = ["--weights", str(pilot_file), "--faces", str(_faces(tmp_path / "faces"))]
    assert fold_error.main([*command, "--json", str(result), "--n", "2"]) == 0
    found = json.loads(result.read_text())
    assert found["n"] == 2
    assert 0 <= found["mean_abs_change"] <= found["max_abs_change"] < 0.5


def test_real_pilot_moves_by_hundredths(keras: Any, shared_data: Path) -> None:
    """On any picture the folded pilot is within a tenth of a year of the original."""
    weights = shared_data / "weights" / "pilot_mobilenet_0.75_128_coral.npz"
    crops = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), np.uint8)
    old, new = compare_years(weights, crops)
    np.testing.assert_allclose(new, old, atol=0.1)


def test_missing_faces(keras: Any, pilot_file: Path, tmp_path: Path) -> None:
    """A folder that is not there is exit code 1 and no result."""
    result = tmp_path / "fold.json"
    command = ["--weights", str(pilot_file), "--faces", str(tmp_path / "no"), "--json", str(result)]
    assert fold_error.main(command) == 1
    assert not result.exists()
