"""Prediction intervals with a stated coverage, by split conformal prediction.

Held-out faces give scores (true age - estimate) / spread; the interval takes the two quantiles of
the scores that cover the wanted share of faces, with the finite-sample correction of Vovk,
Gammerman, Shafer, "Algorithmic Learning in a Random World" (2005), and the scaling by the model's
own spread of Lei et al., "Distribution-Free Predictive Inference for Regression" (JASA 2018). A
shape, which may come from the faces a model was trained on, says how far the interval reaches at
each estimate in proportion (Romano, Patterson, Candès, "Conformalized Quantile Regression", NeurIPS
2019); the held-out faces then set its size. The coverage holds for faces like those held out,
whatever the model's errors look like.

Where the held-out faces also even out the bands of ages, the score of each comes from a shape that
was evened on others (Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial
Intelligence 74, 2015), so that none judges what it helped to choose.
"""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from faceage_calibration.even_bands import even_bands, unevenly_held
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.interval import Interval, IntervalShape, reach

__all__ = ["coverage_of", "faces_needed", "fit_interval", "fit_shaped_interval"]

Years = npt.NDArray[np.float64]

# A year: what a birthday makes of an age. A head that claims less spread than that is not believed.
_FLOOR = 1.0
_FOLDS = 5


def fit_interval(
    years_true: npt.ArrayLike,
    years: npt.ArrayLike,
    spread: npt.ArrayLike,
    *,
    coverage: float = 0.9,
    floor: float = _FLOOR,
    shape: IntervalShape | None = None,
) -> Interval:
    """Fit the interval's ends on held-out faces.

    Args:
        years_true: exact ages, (n,) in years.
        years: the model's estimates, (n,) in years.
        spread: the model's own standard deviations, (n,) in years, 0 or more.
        coverage: share of faces whose true age the interval must hold; the rest is halved
            between both sides.
        floor: smallest spread that is used, in years, above 0.
        shape: reach to either side at each estimate, in proportion; the same everywhere if None.

    Returns:
        Ends such that estimate + [low * below, high * above] * max(spread, floor) holds the true
        age; `below` and `above` are the shape's.

    Raises:
        FacesError: too few faces for this coverage, or values that are not finite.
        UsageError: a coverage that is not between 0 and 1, or a floor that is not above 0.
    """
    if not 0 < floor < math.inf:
        raise UsageError(f"a floor of {floor} years; expected a number above 0")
    scores = _scores(years_true, years, spread, floor, shape)
    return _holding(scores, coverage, floor, shape)


def fit_shaped_interval(
    years_true: npt.ArrayLike,
    years: npt.ArrayLike,
    spread: npt.ArrayLike,
    *,
    shape: IntervalShape | None,
    coverage: float = 0.9,
    floor: float = _FLOOR,
) -> Interval:
    """Fit the interval's ends, and where the faces show bands of true ages that the given shape
    holds too often or too seldom, a shape that holds them alike.

    Args:
        shape: to begin with; it is kept where the faces are too few to say more, or say nothing
            against it (`even_bands.unevenly_held`). None is kept.
        years_true: and the others as for `fit_interval`, whose errors they raise.

    Returns:
        As `fit_interval`; the same again for the same faces in the same order.
    """
    true, estimate, width = (np.asarray(v, np.float64) for v in (years_true, years, spread))
    plain = fit_interval(true, estimate, width, coverage=coverage, floor=floor, shape=shape)
    if shape is None or not unevenly_held(true, _held(plain, true, estimate, width), coverage):
        return plain

    def evened(used: npt.NDArray[np.bool_]) -> IntervalShape:
        ages = true[used], estimate[used], width[used]
        return even_bands(shape, *ages, floor=floor, coverage=coverage)

    scores = np.empty(len(true))
    fold = np.random.Generator(np.random.PCG64(0)).permutation(len(true)) % _FOLDS
    for number in range(_FOLDS):
        own = fold == number
        scores[own] = _scores(true[own], estimate[own], width[own], floor, evened(~own))
    return _holding(scores, coverage, floor, evened(np.full(len(true), True)))


def _holding(scores: Years, coverage: float, floor: float, shape: IntervalShape | None) -> Interval:
    """The interval between the two quantiles of the scores, (n,), that hold that share of them."""
    n = len(scores)
    rank = _rank(n, coverage)
    if rank > n:
        raise FacesError(
            f"{n:,} faces are too few for an interval that covers {coverage:.0%}: it needs "
            f"{faces_needed(coverage):,} with exact ages; give more, or lower the coverage"
        )
    ordered = np.sort(scores)
    if shape is not None and not ordered[n - rank] < 0 < ordered[rank - 1]:
        raise FacesError(
            "the true ages lie on one side of nearly all estimates, so that no interval of the "
            "given shape holds them; fit a shape on this model's own estimates"
        )
    return Interval(
        coverage=coverage, low=float(ordered[n - rank]), high=float(ordered[rank - 1]),
        floor=floor, n=n, shape=shape,
    )  # fmt: skip


def coverage_of(
    interval: Interval, years_true: npt.ArrayLike, years: npt.ArrayLike, spread: npt.ArrayLike
) -> float:
    """Measure the share of faces whose true age an interval holds; arguments as `fit_interval`."""
    held = _held(interval, years_true, years, spread)
    if not len(held):
        raise FacesError("no faces to measure the coverage on")
    return float(np.mean(held))


def _held(
    interval: Interval, years_true: npt.ArrayLike, years: npt.ArrayLike, spread: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    scores = _scores(years_true, years, spread, interval.floor, interval.shape)
    return np.asarray((interval.low <= scores) & (scores <= interval.high))


def faces_needed(coverage: float) -> int:
    """Return the smallest number of faces that an interval of this coverage can be fitted on."""
    return math.ceil(2 / (1 - _exact(coverage))) - 1


def _rank(n: int, coverage: float) -> int:
    """Which of n ordered scores bounds one side: ceil((n + 1) * (1 - (1 - coverage) / 2))."""
    return math.ceil((n + 1) * (1 - (1 - _exact(coverage)) / 2))


def _exact(coverage: float) -> Fraction:
    """The coverage as the decimal that was written: in binary 0.9 is not nine tenths."""
    if not 0 < coverage < 1:
        raise UsageError(f"a coverage of {coverage}; expected a share between 0 and 1, like 0.9")
    return Fraction(str(coverage))


def _scores(
    years_true: npt.ArrayLike,
    years: npt.ArrayLike,
    spread: npt.ArrayLike,
    floor: float,
    shape: IntervalShape | None,
) -> Years:
    truth, estimate, width = (
        np.asarray(values, dtype=np.float64) for values in (years_true, years, spread)
    )
    if not truth.shape == estimate.shape == width.shape or truth.ndim != 1:
        raise ValueError(
            f"ages {truth.shape}, estimates {estimate.shape} and spreads {width.shape} "
            "must be lists of the same length"
        )
    away = truth - estimate
    below, above = reach(shape, estimate)
    scores = away / (np.maximum(width, floor) * np.where(away < 0, below, above))
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise FacesError(
            f"{bad:,} of {len(scores):,} faces have an age, estimate or spread that is not finite"
        )
    return np.asarray(scores)
