"""The shape of a prediction interval: how far it should reach to either side at each estimate.

A model errs by other amounts, and to other sides, at 5, 25 and 70 years. Its errors on the many
faces it was trained on are too small, but tell where they are larger and to which side; the size is
then fitted on held-out faces (`intervals.fit_interval`).

The shape minimises the interval score (Gneiting and Raftery, "Strictly Proper Scoring Rules,
Prediction, and Estimation", JASA 2007, section 6.2), and pays for bands of true ages that it covers
less or more than the others: the score alone would leave the rare ages out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError
from faceage_edge.interval import IntervalShape

__all__ = ["fit_shape"]

Floats = npt.NDArray[np.float64]

# Estimates at which the reach is free: closer where ages differ most from year to year.
_KNOTS = (1, 2, 4, 8, 12, 16, 20, 24, 28, 33, 38, 44, 50, 56, 62, 68, 74, 80)
_FEWEST = 20  # faces between knots; with fewer a knot is left out
_OLDEST_BAND = 7  # decades, 70 and over in one: what the accuracy tables show
_STEPS = 1500
_RATE = 0.2  # years a step at the beginning
_BAND_WEIGHT = 3000.0  # a band 1 % off costs three tenths of a year of score
_SMOOTH = 1e-3  # against reaches that jump from knot to knot
# Years over which being inside fades, from first to last step: a step has no slope to go down.
_FADE = (2.0, 0.08)
_SHORTEST = 0.2  # of a unit of spread: no side of an interval vanishes


@dataclass(frozen=True)
class _Faces:
    """`true` ages and `years` estimated, (n,); `hats` (n, k): each knot's share in the reach at a
    face's estimate, times its spread; `bands` (b, n): rows that average over a band."""

    true: Floats
    years: Floats
    hats: Floats
    bands: Floats


def fit_shape(
    years_true: npt.ArrayLike,
    years: npt.ArrayLike,
    spread: npt.ArrayLike,
    *,
    floor: float = 1.0,
    coverage: float = 0.9,
) -> IntervalShape:
    """Fit how far an interval reaches at each estimate, by gradient descent from a fixed start.

    Args:
        years_true: exact ages, (n,) in years; the model may have been trained on these faces.
        years: its estimates, (n,) in years.
        spread: its own standard deviations, (n,) in years.
        floor: smallest spread that is used, in years.
        coverage: share of faces to hold.

    Raises:
        FacesError: fewer than 20 faces, or values that are not finite.
    """
    true, estimate, width = (np.asarray(v, np.float64) for v in (years_true, years, spread))
    if len(true) < _FEWEST:
        raise FacesError(f"{len(true)} faces; the shape of an interval needs {_FEWEST} or more")
    if not all(np.isfinite(values).all() for values in (true, estimate, width)):
        raise FacesError("some ages, estimates or spreads are not finite")
    width = np.maximum(width, floor)
    knots = _knots(estimate)
    faces = _Faces(true, estimate, _hats(estimate, knots) * width[:, None], _bands(true))
    start = float(np.quantile(np.abs(true - estimate) / width, coverage))
    reach = _descend(faces, np.full((2, len(knots)), start), coverage)
    below, above = np.maximum(reach, _SHORTEST).round(3)
    return IntervalShape(tuple(knots), tuple(below.tolist()), tuple(above.tolist()))


def _knots(years: Floats) -> list[float]:
    """The knots that have enough faces between them and the one before."""
    kept: list[float] = []
    for knot in _KNOTS:
        before = kept[-1] if kept else -np.inf
        if ((years > before) & (years <= knot)).sum() >= _FEWEST:
            kept.append(float(knot))
    return kept or [float(np.median(years))]


def _hats(years: Floats, knots: list[float]) -> Floats:
    one_each = np.eye(len(knots))
    return np.stack([np.interp(years, knots, row) for row in one_each], axis=1)


def _bands(true: Floats) -> Floats:
    band = np.minimum(true // 10, _OLDEST_BAND)
    rows = np.stack([band == value for value in np.unique(band)]).astype(np.float64)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _descend(faces: _Faces, reach: Floats, coverage: float) -> Floats:
    """Adam (Kingma and Ba, arXiv:1412.6980) with steps that shorten to nothing."""
    first, second = np.zeros_like(reach), np.zeros_like(reach)
    for step in range(_STEPS):
        left = 1 - step / _STEPS
        fade = _FADE[1] + (_FADE[0] - _FADE[1]) * left**2
        slope = _slope(faces, reach, coverage, fade)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        mean = first / (1 - 0.9 ** (step + 1))
        size = np.sqrt(second / (1 - 0.99 ** (step + 1)))
        reach = reach - _RATE * left * mean / (size + 1e-8)
    return reach


def _slope(faces: _Faces, reach: Floats, coverage: float, fade: float) -> Floats:
    """How the cost changes with each reach, (2, k): below, above."""
    below, above = faces.hats @ reach[0], faces.hats @ reach[1]
    over, under = faces.true - (faces.years - below), faces.years + above - faces.true
    price = 2 / (1 - coverage)
    # Of the mean interval score: a unit of width, less the price where the age is outside.
    score = np.stack([1 - price * (over < 0), 1 - price * (under < 0)]) / len(over)
    inside = _soft(over, fade), _soft(under, fade)
    held = inside[0] * inside[1]
    excess = 2 * _BAND_WEIGHT * (faces.bands @ held - coverage) @ faces.bands
    bands = excess * held * (1 - np.stack(inside)) / fade
    smooth = np.stack([_bending(row) for row in reach])
    return np.asarray((score + bands) @ faces.hats + 2 * _SMOOTH * smooth)


def _soft(away: Floats, fade: float) -> Floats:
    """The logistic function of years inside an end, in the form that cannot overflow."""
    return np.asarray((1 + np.tanh(away / (2 * fade))) / 2)


def _bending(reach: Floats) -> Floats:
    """Half the slope of the sum of squared second differences."""
    slope = np.zeros_like(reach)
    if len(reach) > 2:
        bend = np.diff(reach, 2)
        slope[:-2] += bend
        slope[1:-1] -= 2 * bend
        slope[2:] += bend
    return slope
