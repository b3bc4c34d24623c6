"""Gathering runs at several sizes of the face."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_edge.errors import FaceageError
from faceage_models.crop_sweep import gathered, main


def record(zoom: float, seed: int, mae: float, **more: Any) -> dict[str, Any]:
    """What a run leaves of itself, as far as it matters."""
    options = {"zoom": zoom, "seed": seed, "out": f"w/{zoom}-{seed}", "epochs": 5} | more
    return {"options": options, "faces": {"training": 40}, "best": {"mae": mae}}


def test_by_hand() -> None:
    """Two sizes, the seeds in order whatever the files' order."""
    runs = [record(1.0, 2, 6.5), record(0.8, 1, 7.0), record(1.0, 1, 6.0)]
    assert gathered(runs) == {
        "faces": 40,
        "zooms": [
            {"zoom": 0.8, "best_mae": [7.0], "mean": 7.0, "apart": 0.0},
            {"zoom": 1.0, "best_mae": [6.0, 6.5], "mean": 6.25, "apart": 0.5},
        ],
    }


def test_other_runs_are_refused() -> None:
    """Longer runs would be compared with shorter ones."""
    with pytest.raises(FaceageError, match="2 kinds"):
        gathered([record(1.0, 1, 6.0), record(0.8, 1, 6.0, epochs=9)])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of runs becomes a file; one without runs is a message."""
    out = tmp_path / "sweep.json"
    assert main([str(tmp_path), "--json", str(out)]) == 1
    assert "holds no runs" in capsys.readouterr().err
    (tmp_path / "1.0-1").mkdir()
    (tmp_path / "1.0-1" / "train.json").write_text(json.dumps(record(1.0, 1, 6.0)))
    assert main([str(tmp_path), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["zooms"][0]["mean"] == 6.0
