"""`faceage-calibrate threshold`: the table beside a model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration import cli
from faceage_calibration.threshold_command import fit_table
from faceage_edge.age import load_age_model
from faceage_edge.errors import FacesError
from faceage_edge.threshold import RankScale, open_age_check


@pytest.fixture(scope="module")
def scale(request: pytest.FixtureRequest) -> RankScale:
    """The ranks of the shipped model."""
    return RankScale(load_age_model(request.getfixturevalue("shipped").age_int8).contract)


def test_a_table_has_the_thresholds_with_enough_faces(scale: RankScale) -> None:
    """Twenty-five on either side at least; probabilities on the faces are frequencies."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 60, 2000).astype(np.float64)
    years = np.clip(truth + random.normal(0, 5, 2000), 1, 99)
    table = fit_table(scale, years, truth)
    ages = list(map(int, table))
    assert ages == list(range(ages[0], ages[-1] + 1))
    assert all(min(fit["n_under"], fit["n_over"]) >= 25 for fit in table.values())
    fit = table["18"]
    over = 1 / (1 + np.exp(-(fit["slope"] * scale.logit(years, 18) + fit["offset"])))
    assert over.mean() == pytest.approx((truth >= 18).mean(), abs=0.01)


def test_too_few_faces_are_said(scale: RankScale) -> None:
    """Forty faces have no threshold with enough on both sides."""
    ages = np.arange(40, dtype=np.float64)
    with pytest.raises(FacesError, match="no threshold has 25 on both sides"):
        fit_table(scale, ages, ages)


def test_the_command_writes_what_the_camera_reads(
    tmp_path: Path,
    shipped: Any,
    shared_data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Fitted on some faces, written beside a copy of the model, used by --threshold."""
    model = tmp_path / "mine.int8.tflite"
    model.write_bytes(shipped.age_int8.read_bytes())
    faces = tmp_path / "faces"
    faces.mkdir()
    _some_faces(shared_data / "data" / "utkface-calib.tar", faces)
    assert cli.main(["threshold", "--model", str(model), "--faces", str(faces)]) == 0
    assert "thresholds" in capsys.readouterr().out
    table = json.loads((tmp_path / "mine.int8.threshold.json").read_bytes())
    contract = load_age_model(model).contract
    check = open_age_check(model, contract, threshold=int(next(iter(table["thresholds"]))))
    assert 0 <= float(check.over(30.0)) <= 1


def _some_faces(archive: Path, folder: Path, count: int = 120) -> None:
    import tarfile

    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".jpg"))
        for name in names[:: len(names) // count]:
            member = tar.extractfile(name)
            assert member is not None
            (folder / Path(name).name).write_bytes(member.read())
