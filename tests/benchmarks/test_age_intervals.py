"""Scores, cross-fitted widths and other levels against hand and brute force."""

import math
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.age_intervals import FOLDS, LEVELS, cross_fitted, interval_scores
from faceage_benchmarks.result import bootstrap_settings
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import mean_interval, mean_ratio_interval, share_interval

SETTINGS = bootstrap_settings("faces")

SCORES = [
    # true, low, high, nominal, expected, note
    (30.0, 25.0, 35.0, 0.9, 10.0, "inside: the width"),
    (35.0, 25.0, 35.0, 0.9, 10.0, "the end belongs to the interval"),
    (37.0, 25.0, 35.0, 0.9, 10 + 20 * 2, "2 years above, at 2 / 0.1 a year"),
    (24.5, 25.0, 35.0, 0.5, 10 + 4 * 0.5, "half a year below, at 2 / 0.5 a year"),
]


@pytest.mark.parametrize(("true", "low", "high", "nominal", "expected", "note"), SCORES)
def test_interval_score(
    true: float, low: float, high: float, nominal: float, expected: float, note: str
) -> None:
    """Width, and a fine for each year of a miss."""
    found = interval_scores(np.array([true]), np.array([low]), np.array([high]), nominal)
    assert found == pytest.approx([expected]), note


def test_the_true_quantiles_score_best() -> None:
    """Among intervals around a normal variable the 5 % and 95 % quantiles have the least score."""
    true = np.random.default_rng(0).normal(0, 1, 40_000)
    z = NormalDist().inv_cdf(0.95)
    scored = {
        half: interval_scores(true, np.full(true.size, -half), np.full(true.size, half), 0.9).mean()
        for half in (0.7 * z, z, 1.3 * z)
    }
    assert min(scored, key=lambda half: scored[half]) == z


def test_cross_fitting_by_brute_force() -> None:
    """Each face gets the ranked score of the faces outside its fold; folds are equal in size."""
    scores = np.random.default_rng(3).permutation(100).astype(np.float64)
    fitted = cross_fitted(scores, 0.9, 7)
    assert fitted is not None
    fold = np.random.Generator(np.random.PCG64(7)).permutation(100) % FOLDS
    for face in range(100):
        others = sorted(scores[other] for other in range(100) if fold[other] != fold[face])
        # ceil(91 * 0.9) = ceil(81.9) = 82: the 82nd smallest of 90.
        assert fitted[face] == others[81]
    assert sorted(np.bincount(fold)) == [10] * FOLDS


TOO_FEW = [
    # faces, level, possible, note
    (10, 0.9, True, "9 others: ceil(10 * 0.9) = 9"),
    (9, 0.9, False, "8 others: ceil(9 * 0.9) = 9"),
    (22, 0.95, True, "19 or 20 others: ceil(20 * 0.95) = 19"),
    (20, 0.95, False, "18 others: ceil(19 * 0.95) = 19"),
]


@pytest.mark.parametrize(("n", "level", "possible", "note"), TOO_FEW)
def test_faces_that_are_too_few(n: int, level: float, possible: bool, note: str) -> None:
    """Without enough other faces there is no quantile."""
    assert (cross_fitted(np.arange(n, dtype=np.float64), level, 0) is not None) is possible, note


def _wide_and_narrow(n: int = 400) -> dict[str, Any]:
    """Return faces of which every second is ten times as uncertain, and intervals that know it."""
    generator = np.random.default_rng(11)
    spread = np.where(np.arange(n) % 2 == 0, 1.0, 10.0)
    predicted = np.full(n, 60.0)
    true = predicted + spread * generator.normal(0, 1, n)
    reach = NormalDist().inv_cdf(0.95) * spread
    return {
        "unit": "years",
        "true": list(true),
        "predicted": list(predicted),
        "low": list(predicted - reach),
        "high": list(predicted + reach),
        "nominal": 0.9,
        "found": [True] * n,
    }


def test_intervals_by_plain_arithmetic() -> None:
    """Every figure of `intervals`, written out without the module's own parts."""
    samples = _wide_and_narrow()
    figures = age_figures(samples, SETTINGS)["intervals"]
    rows = list(zip(*(samples[key] for key in ("true", "predicted", "low", "high")), strict=True))
    held = sum(low <= true <= high for true, _, low, high in rows)
    own = [h - lo + 20 * (max(lo - t, 0) + max(t - h, 0)) for t, _, lo, h in rows]
    assert figures["nominal"] == 0.9
    assert figures["coverage"] == held / 400
    assert figures["coverage_ci95"] == list(share_interval(held, 400))
    assert figures["width"] == pytest.approx(fmean(h - lo for _, _, lo, h in rows))
    assert figures["score"] == pytest.approx(fmean(own))
    errors = np.array([abs(t - p) for t, p, _, _ in rows])
    half = cross_fitted(errors, 0.9, SETTINGS["seed"])
    assert half is not None
    flat = [2 * h + 20 * max(e - h, 0) for h, e in zip(half, errors, strict=True)]
    constant = figures["constant"]
    assert constant["half_width"] == pytest.approx(fmean(half))
    assert constant["coverage"] == fmean(e <= h for h, e in zip(half, errors, strict=True))
    assert constant["score"] == pytest.approx(fmean(flat))
    assert constant["score_ci95"] == pytest.approx(list(mean_interval(flat)))
    assert figures["score_ratio"] == pytest.approx(fmean(own) / fmean(flat))
    assert figures["score_ratio_ci95"] == pytest.approx(list(mean_ratio_interval(own, flat)))


def test_intervals_that_know_where_they_are_wrong_beat_a_constant() -> None:
    """Half of the faces ten times as uncertain: one width for all scores far worse."""
    figures = age_figures(_wide_and_narrow(), SETTINGS)["intervals"]
    assert figures["score_ratio_ci95"][1] < 0.85
    assert figures["constant"]["coverage"] == pytest.approx(0.9, abs=0.02)


def test_a_constant_is_cut_at_birth() -> None:
    """A half-width that reaches below 0 counts from 0, as the model's own intervals do."""
    n = 40
    errors = [4.0] * n
    samples = {
        "unit": "years",
        "true": [2.0 + error for error in errors],
        "predicted": [2.0] * n,
        "low": [0.0] * n,
        "high": [7.0] * n,
        "nominal": 0.9,
        "found": [True] * n,
    }
    constant = age_figures(samples, SETTINGS)["intervals"]["constant"]
    assert (constant["half_width"], constant["width"]) == (4.0, 6.0)


def test_levels_by_scaling() -> None:
    """Scaled by the normal ratio, intervals of normal errors cover what each level says."""
    samples = _wide_and_narrow(2000)
    reliability = age_figures(samples, SETTINGS)["reliability"]
    assert reliability["by"] == "scaling"
    assert [entry["nominal"] for entry in reliability["levels"]] == list(LEVELS)
    normal = NormalDist()
    true, predicted, low, high = (
        np.array(samples[key]) for key in ("true", "predicted", "low", "high")
    )
    for entry in reliability["levels"]:
        scale = normal.inv_cdf((1 + entry["nominal"]) / 2) / normal.inv_cdf(0.95)
        assert entry["normal_scale"] == pytest.approx(scale)
        below, above = predicted - scale * (predicted - low), predicted + scale * (high - predicted)
        held = (below <= true) & (true <= above)
        assert entry["normal_coverage"] == pytest.approx(held.mean())
        assert entry["normal_coverage"] == pytest.approx(entry["nominal"], abs=0.04)
        assert entry["fitted_coverage"] == pytest.approx(entry["nominal"], abs=0.01)
        assert entry["fitted_scale"] == pytest.approx(scale, rel=0.1)
        width = entry["fitted_scale"] * (high - low).mean()
        assert entry["fitted_width"] == pytest.approx(width, rel=0.02)


def test_the_contract_s_own_level_is_not_scaled() -> None:
    """At the nominal level the factor is 1 and the coverage that of the intervals."""
    figures = age_figures(_wide_and_narrow(), SETTINGS)
    own = next(e for e in figures["reliability"]["levels"] if e["nominal"] == 0.9)
    assert own["normal_scale"] == 1.0
    assert own["normal_coverage"] == figures["intervals"]["coverage"]


def test_an_estimate_outside_its_interval_has_no_other_levels() -> None:
    """Offsets that are both on one side cannot be scaled around the estimate."""
    samples = _wide_and_narrow()
    samples["low"][0] = samples["predicted"][0] + 0.5
    figures = age_figures(samples, SETTINGS)
    assert "intervals" in figures
    assert "reliability" not in figures


def test_few_faces_have_no_constant() -> None:
    """Five faces cannot be cross-fitted: coverage is told, the comparison is not."""
    samples = _wide_and_narrow(5)
    figures = age_figures(samples, SETTINGS)
    assert figures["intervals"]["constant"] is None
    assert "score_ratio" not in figures["intervals"]
    # Of 4 others, ceil(5 * 0.8) = 4 is the last rank that there is.
    fitted = [e["nominal"] for e in figures["reliability"]["levels"] if "fitted_scale" in e]
    assert fitted == [0.5, 0.6, 0.7, 0.8]


def test_exact_ages_have_no_ratio() -> None:
    """A constant of no width scores 0, and nothing is a share of that."""
    samples = _wide_and_narrow()
    samples["predicted"] = samples["true"]
    figures = age_figures(samples, SETTINGS)["intervals"]
    assert figures["constant"]["score"] == 0.0
    assert "score_ratio" not in figures


def test_mean_ratio_interval_by_a_plain_loop() -> None:
    """The interval of a ratio draws both sides of a pair together."""
    above, below = np.arange(1.0, 21), np.arange(21.0, 41)
    rows = np.random.Generator(np.random.PCG64(4)).integers(0, 20, (300, 20))
    ratios = [above[row].mean() / below[row].mean() for row in rows]
    found = mean_ratio_interval(above, below, seed=4, resamples=300, confidence=0.9)
    assert list(found) == pytest.approx(list(np.quantile(ratios, [0.05, 0.95])))
    assert math.isclose(*mean_ratio_interval(above, 2 * above))
    with pytest.raises(SamplesError, match="positive"):
        mean_ratio_interval(above, np.zeros(20))
    with pytest.raises(SamplesError, match="20 and 3"):
        mean_ratio_interval(above, below[:3])
