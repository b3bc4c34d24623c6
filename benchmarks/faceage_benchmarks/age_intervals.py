"""How good an age model's prediction intervals are: coverage, width, score, other levels.

The interval score (Winkler 1972; Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction,
and Estimation", JASA 2007, section 6.2) is an interval's width plus 2 / (1 - nominal) times the
years by which it misses the true age. It is smallest on average for the true quantiles, so wide
and wrong intervals both lose. It is compared with what one constant width would score.

Whatever is fitted here is fitted on nine tenths of the faces and measured on the other tenth, ten
times over (cross-fitting), so that no face judges a number it helped to choose.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np

from faceage_benchmarks.age_bands import Rows, interval_of
from faceage_calibration.stats import Floats, mean_ratio_interval, share_interval

__all__ = [
    "FOLDS",
    "LEVELS",
    "cross_fitted",
    "has_interval",
    "interval_figures",
    "interval_scores",
    "with_interval",
]

FOLDS = 10
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def interval_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys `intervals` and `reliability` of an accuracy result with exact ages.

    Args:
        samples: of with_interval, and `nominal`: the coverage that the contract states.
        bootstrap: from result.bootstrap_settings; its seed also deals the faces into folds.

    Returns:
        intervals: `n` faces; `nominal`; of the model's own intervals `coverage` (a share, with
        Wilson's interval), `width` and `score` (means, years); the same of one `constant`
        half-width around every age (cross-fitted conformal quantile of the absolute error;
        `half_width` is its mean over the folds; None for too few faces); `score_ratio`, own /
        constant: below 1
        the model knows which of its ages are uncertain. The constant was fitted on faces of this
        very set and the model's offsets were not, which favours the constant.

        reliability: coverage at other levels. The contract fits the offsets of one level only,
        so the others are made "by scaling" both of them with one factor: `fitted_scale`, what
        these very faces need (cross-fitted), and `normal_scale`, what they would need if errors
        were normally distributed. Left out where an estimate lies outside its own interval.
    """
    true, predicted, low, high = (
        np.asarray(samples[key], np.float64) for key in ("true", "predicted", "low", "high")
    )
    nominal = float(samples["nominal"])
    own = interval_scores(true, low, high, nominal)
    intervals: dict[str, Any] = {"n": int(true.size), "nominal": nominal}
    intervals |= _judged(true, low, high, own, bootstrap)
    intervals |= _against_constant(true, predicted, own, nominal, bootstrap)
    figures = {"intervals": intervals}
    if ((low <= predicted) & (predicted <= high)).all():
        figures["reliability"] = _reliability(true, predicted, low, high, nominal, bootstrap)
    return figures


def has_interval(samples: Mapping[str, Any]) -> Rows:
    """Tell of which faces the model states an interval, bool (n,); `samples`: see age_figures."""
    lows = samples.get("low", [None] * len(samples["true"]))
    return np.array([low is not None for low in lows], bool)


def with_interval(samples: Mapping[str, Any]) -> dict[str, Any]:
    """Return what interval figures are made of, of the faces that have an interval alone.

    Args:
        samples: see age_figures.

    Returns:
        `true`, `predicted`, `low`, `high`, m years each, and `nominal` where it is known; empty
        where no face has an interval.
    """
    told = has_interval(samples)
    if not told.any():
        return {}
    keys = ("true", "predicted", "low", "high")
    stated = {key: np.asarray(samples[key], np.float64)[told] for key in keys}
    return stated | {key: samples[key] for key in ("nominal",) if key in samples}


def interval_scores(true: Floats, low: Floats, high: Floats, nominal: float) -> Floats:
    """Return the interval score of each face, (n,) in years; smaller is better.

    Args:
        true: ages, (n,) in years.
        low: lower ends, (n,) in years.
        high: upper ends, (n,) in years.
        nominal: the coverage that the intervals claim, between 0 and 1.
    """
    outside = np.maximum(low - true, 0) + np.maximum(true - high, 0)
    return (high - low) + 2 / (1 - nominal) * outside


def cross_fitted(scores: Floats, level: float, seed: int) -> Floats | None:
    """Return for each face the conformal quantile of the faces in the other folds.

    Args:
        scores: (n,) numbers; a face counts as held when its score is at most the quantile.
        level: share of faces to hold; the quantile is the ceil((m + 1) level)-th smallest of m
            scores.
        seed: of the dealing into FOLDS folds.

    Returns:
        (n,) numbers in the unit of the scores, the same within a fold; None when the other
        folds have too few faces for this level.
    """
    n = scores.size
    fold = np.random.Generator(np.random.PCG64(seed)).permutation(n) % FOLDS
    fitted = np.empty(n)
    for number in range(min(FOLDS, n)):
        others = np.sort(scores[fold != number])
        # As the decimal that was written: in binary 0.9 is not nine tenths.
        rank = math.ceil((others.size + 1) * Fraction(str(level)))
        if rank > others.size:
            return None
        fitted[fold == number] = others[rank - 1]
    return fitted if np.isfinite(fitted).all() else None


def _against_constant(
    true: Floats, predicted: Floats, own: Floats, nominal: float, bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    half = cross_fitted(np.abs(predicted - true), nominal, bootstrap["seed"])
    if half is None:
        return {"constant": None}
    # Cut at 0 as the device cuts the model's own: nobody is younger.
    low, high = np.maximum(predicted - half, 0), predicted + half
    flat = interval_scores(true, low, high, nominal)
    figures: dict[str, Any] = {
        "constant": {"half_width": float(half.mean()), "folds": FOLDS}
        | _judged(true, low, high, flat, bootstrap)
    }
    if flat.min() > 0:  # else the ages are all exact, and nothing is to be compared
        ratio = mean_ratio_interval(
            own,
            flat,
            seed=bootstrap["seed"],
            resamples=bootstrap["resamples"],
            confidence=bootstrap["confidence"],
        )
        figures["score_ratio"] = float(own.mean() / flat.mean())
        figures["score_ratio_ci95"] = list(ratio)
    return figures


def _reliability(
    true: Floats,
    predicted: Floats,
    low: Floats,
    high: Floats,
    nominal: float,
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    needed = _needed_scale(true, predicted, low, high)
    normal = NormalDist()
    levels = []
    for level in LEVELS:
        scale = normal.inv_cdf((1 + level) / 2) / normal.inv_cdf((1 + nominal) / 2)
        entry: dict[str, Any] = {"nominal": level, "normal_scale": scale}
        entry |= _share("normal_coverage", needed <= scale, bootstrap)
        fitted = cross_fitted(needed, level, bootstrap["seed"])
        if fitted is not None:
            entry["fitted_scale"] = float(fitted.mean())
            entry |= _share("fitted_coverage", needed <= fitted, bootstrap)
            reach = np.maximum(predicted - fitted * (predicted - low), 0)
            entry["fitted_width"] = float((predicted + fitted * (high - predicted) - reach).mean())
        levels.append(entry)
    return {"by": "scaling", "folds": FOLDS, "levels": levels}


def _needed_scale(true: Floats, predicted: Floats, low: Floats, high: Floats) -> Floats:
    """Return the factor on both sides of each interval that just holds the true age, (n,).

    A lower end that was cut at 0 makes its side shorter than the contract's, so for very young
    faces factors below one reach a little less far down than the contract's offsets would.
    """
    side = np.where(true < predicted, predicted - low, high - predicted)
    away = np.abs(true - predicted)
    reached = np.divide(away, side, out=np.full(away.shape, np.inf), where=side > 0)
    return np.where(away == 0, 0.0, reached)


def _judged(
    true: Floats, low: Floats, high: Floats, scores: Floats, bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    held = (true >= low) & (true <= high)
    return _share("coverage", held, bootstrap) | {
        "width": float((high - low).mean()),
        "score": float(scores.mean()),
        "score_ci95": list(interval_of(scores, bootstrap)),
    }


def _share(key: str, held: Rows, bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    interval = share_interval(int(held.sum()), held.size, confidence=bootstrap["confidence"])
    return {key: float(held.mean()), f"{key}_ci95": list(interval)}
