"""An interval beside a model takes the place of its contract's."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.about import about_models
from faceage_edge.age import load_age_model
from faceage_edge.bundles import find
from faceage_edge.errors import ContractError
from faceage_edge.loading import Choice
from faceage_edge.own_interval import interval_path

NARROW: dict[str, Any] = {"coverage": 0.8, "low": -0.5, "high": 0.25, "floor": 1.0, "n": 40}


@pytest.fixture
def model(shipped: Any, tmp_path: Path) -> Path:
    """A copy of the shipped int8 model."""
    return Path(shutil.copy(shipped.age_int8, tmp_path))


def lay_beside(model: Path, digest: str | None = None, **changed: Any) -> Path:
    """Write an interval's file beside a model, of that very model unless a digest is given."""
    own = load_age_model(model, own_interval=False).digest
    document = {
        "interval": NARROW | changed,
        "model_digest": digest or own,
        "calibration": {"n": 40, "digest": "00", "pictures": ["0123456789", "abcdefabcd"]},
    }
    path = interval_path(model)
    path.write_text(json.dumps(document))
    return path


def test_it_takes_the_place(model: Path) -> None:
    """Ages are the same and their ends are those of the file; removed, all is as before."""
    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    before = load_age_model(model).estimate(crops)
    beside = lay_beside(model)
    loaded = load_age_model(model)
    ages = loaded.estimate(crops)
    assert ages.years.tolist() == before.years.tolist()
    width = np.maximum(ages.spread, 1)
    assert ages.low == pytest.approx(np.maximum(ages.years - 0.5 * width, 0))
    assert ages.high == pytest.approx(ages.years + 0.25 * width)
    assert loaded.contract.provenance["interval_pictures"] == "0123456789abcdefabcd"
    beside.unlink()
    assert load_age_model(model).estimate(crops).high.tolist() == before.high.tolist()


def test_about_tells_it(model: Path) -> None:
    """What is told of a model is what its ages come with."""
    lay_beside(model)
    told = about_models(Choice(model, find("face-finder"), "int8"))
    assert told["age"]["interval"] == {"coverage": 0.8, "n": 40}


WRONG = [
    ({"digest": "ab" * 32}, "belongs to another model; fit it with: faceage-calibrate"),
    ({"high": -1.0}, "high.*; fit it with"),
    ({"coverage": 1.0}, "coverage"),
]


@pytest.mark.parametrize(("changed", "said"), WRONG, ids=["another", "ends", "coverage"])
def test_a_wrong_one_is_said(model: Path, changed: dict[str, Any], said: str) -> None:
    """It is no interval to state, and the message says which file and what to do."""
    beside = lay_beside(model, **changed)
    with pytest.raises(ContractError, match=said) as caught:
        load_age_model(model)
    assert str(beside) in str(caught.value)


def test_a_cut_one_is_said(model: Path) -> None:
    """A file that a full card cut short is no JSON."""
    beside = lay_beside(model)
    beside.write_bytes(beside.read_bytes()[:60])
    with pytest.raises(ContractError, match=r"is not JSON .*or remove it"):
        load_age_model(model)
