"""Gradient descent on how far intervals reach, for `interval_shape` and `even_bands`.

What is made small is the mean interval score (Gneiting and Raftery, "Strictly Proper Scoring Rules,
Prediction, and Estimation", JASA 2007, section 6.2), and beside it how far each band of true ages
is from being held as often as wanted: the score alone would leave the rare ages out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Reaching", "bands_of", "descend", "hats_of", "knots_of"]

Floats = npt.NDArray[np.float64]

_OLDEST_BAND = 7  # decades, 70 and over in one: what the accuracy tables show
_STEPS = 1500
_BAND_WEIGHT = 3000.0  # a band 1 % off costs three tenths of a year of score
# Years over which being inside fades, from first to last step: a step has no slope to go down.
_FADE = (2.0, 0.08)


@dataclass(frozen=True)
class Reaching:
    """What the ends of n faces' intervals are made of.

    `true` ages and `years` estimated, (n,); `below` and `above` (n, k): the years that each of k
    numbers adds to a face's reach down and up; `bands` (b, n): rows that average over a band.
    """

    true: Floats
    years: Floats
    below: Floats
    above: Floats
    bands: Floats


def descend(
    faces: Reaching,
    start: Floats,
    coverage: float,
    *,
    rate: float,
    pull: Callable[[Floats], Floats],
) -> Floats:
    """Return the numbers of the smallest cost, by Adam (Kingma and Ba, arXiv:1412.6980) with steps
    that shorten to nothing.

    Args:
        faces: with k numbers to either side.
        start: (2, k): below, above.
        coverage: share of faces to hold, in all and in each band.
        rate: by how much a number changes in a step at the beginning.
        pull: slope of what else the numbers cost, (2, k) of (2, k).
    """
    found, first, second = start, np.zeros_like(start), np.zeros_like(start)
    for step in range(_STEPS):
        left = 1 - step / _STEPS
        fade = _FADE[1] + (_FADE[0] - _FADE[1]) * left**2
        slope = _slope(faces, found, coverage, fade) + pull(found)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        mean = first / (1 - 0.9 ** (step + 1))
        size = np.sqrt(second / (1 - 0.99 ** (step + 1)))
        found = found - rate * left * mean / (size + 1e-8)
    return found


def _slope(faces: Reaching, found: Floats, coverage: float, fade: float) -> Floats:
    """How the score and the bands change with each number, (2, k): below, above."""
    below, above = faces.below @ found[0], faces.above @ found[1]
    over, under = faces.true - (faces.years - below), faces.years + above - faces.true
    price = 2 / (1 - coverage)
    # Of the mean interval score: a unit of width, less the price where the age is outside.
    score = np.stack([1 - price * (over < 0), 1 - price * (under < 0)]) / len(over)
    inside = _soft(over, fade), _soft(under, fade)
    held = inside[0] * inside[1]
    excess = 2 * _BAND_WEIGHT * (faces.bands @ held - coverage) @ faces.bands
    bands = excess * held * (1 - np.stack(inside)) / fade
    each = score + bands
    return np.stack([each[0] @ faces.below, each[1] @ faces.above])


def _soft(away: Floats, fade: float) -> Floats:
    """The logistic function of years inside an end, in the form that cannot overflow."""
    return np.asarray((1 + np.tanh(away / (2 * fade))) / 2)


def knots_of(years: Floats, wanted: Sequence[float], fewest: int) -> list[float]:
    """Those of the wanted estimates that have enough of `years` (n,) between them and the one
    before; their median where none has."""
    kept: list[float] = []
    for knot in wanted:
        before = kept[-1] if kept else -np.inf
        if ((years > before) & (years <= knot)).sum() >= fewest:
            kept.append(float(knot))
    return kept or [float(np.median(years))]


def hats_of(years: Floats, knots: Sequence[float]) -> Floats:
    """Each knot's share in what runs straight between the knots, (n, k), at `years` (n,)."""
    return np.stack([np.interp(years, knots, row) for row in np.eye(len(knots))], axis=1)


def bands_of(true: Floats, fewest: int = 1) -> Floats:
    """Rows that average over a decade of true ages (n,), (b, n): of those with faces enough."""
    band = np.minimum(true // 10, _OLDEST_BAND)
    rows = [band == value for value in np.unique(band)]
    kept = [row / row.sum() for row in rows if row.sum() >= fewest]
    return np.stack(kept) if kept else np.empty((0, len(true)))
