"""How often the gender is told right, in an accuracy result."""

from typing import Any

import pytest

from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.result import bootstrap_settings
from faceage_calibration.errors import SamplesError

SETTINGS = bootstrap_settings("faces")


def samples(**more: Any) -> dict[str, Any]:
    """Samples of an accuracy result by a model that says gender too."""
    return {
        "unit": "years",
        "true": [5.0, 15.0, 25.0, 30.0, 35.0, 50.0],
        "predicted": [10.0, 30.0, 30.0, 30.0, 10.0, 30.0],
        "found": [True] * 6,
        "gender": ["male", "female", "male", "male", None, "unknown"],
        "gender_labels": ["male", "female"],
        "gender_told": ["male", "female", "female", "male", "male", "female"],
        **more,
    }


def test_faces_whose_label_says_it() -> None:
    """One of four is wrong; the commonest label is that of three. Others are left out."""
    figures = age_figures(samples(), SETTINGS)
    scores = figures["gender_scores"]
    assert (scores["n"], scores["accuracy"], scores["majority"]) == (4, 0.75, 0.75)
    low, high = scores["accuracy_ci95"]
    assert 0 < low < 0.75 < high < 1
    assert "delta_gender_accuracy" not in figures


def test_a_second_model() -> None:
    """Its own scores, and the difference face by face."""
    told = ["male", "female", "male", "male", "male", "male"]
    both = samples(against_predicted=[10.0] * 6, against_gender_told=told)
    figures = age_figures(both, SETTINGS)
    assert figures["against_gender_scores"]["accuracy"] == 1.0
    assert figures["delta_gender_accuracy"] == -0.25
    low, high = figures["delta_gender_accuracy_ci95"]
    assert low < -0.25 < high


def test_nothing_is_claimed_without_labels() -> None:
    """A model that says none, or faces that say none."""
    bare = {key: value for key, value in samples().items() if not key.startswith("gender_")}
    for these in (bare, samples(gender=[None] * 6)):
        assert not [key for key in age_figures(these, SETTINGS) if "gender_" in key]
    with pytest.raises(SamplesError, match="5 samples of 'gender_told' for 6 faces"):
        age_figures(samples(gender_told=["male"] * 5), SETTINGS)
