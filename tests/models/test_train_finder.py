"""The finder's trainer, for two steps on real faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_models.finder_network import load_finder
from faceage_models.train_finder import main


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--batch", "8", "--workers", "2", "--looks", "3"]])
def test_it_trains_and_goes_on(shared_data: Path, tmp_path: Path, more: list[str]) -> None:
    """Two runs of a step each leave weights that load, and that the second has moved."""
    wall = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), wall)
    command = ["--faces", str(shared_data / "data" / "fairface-train.tar")]
    command += ["--out", str(tmp_path), "--backgrounds", str(tmp_path / "wall.png")]
    command += ["--clips", str(shared_data / "clips" / "head-pose-female-and-male.gif")]
    command += more
    weights = []
    for steps in ("1", "2"):
        assert main([*command, "--steps", steps]) == 0
        model = load_finder(tmp_path / "finder.weights.npz")
        weights.append(np.asarray(model.get_layer("half").kernel))
    assert np.isfinite(weights[1]).all() and (weights[0] != weights[1]).any()


def test_no_scenes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, with the option's name."""
    with pytest.raises(SystemExit, match="2"):
        main(["--faces", "none.tar", "--out", str(tmp_path), "--looks", "0"])
    assert "--looks 0 is too few" in capsys.readouterr().err
