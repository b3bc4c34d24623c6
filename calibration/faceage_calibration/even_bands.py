"""Intervals that hold the true age as often at 15 years as at 25.

A shape (`interval_shape`) comes from faces the model was trained on, on which it errs less, and
less by another share at each age. Held-out faces, fewer by far, cannot say how far an interval
should reach at every estimate, but they say in which bands of true ages a shape holds too often or
too seldom. Where that is more than chance, the shape is multiplied by factors at a few estimates,
which are kept near 1.
"""

import numpy as np
import numpy.typing as npt

from faceage_calibration.interval_descent import Reaching, bands_of, descend, hats_of, knots_of
from faceage_calibration.stats import share_interval
from faceage_edge.interval import IntervalShape, reach

__all__ = ["even_bands", "unevenly_held"]

Floats = npt.NDArray[np.float64]

# Estimates at which the factors are free, and the faces that must lie between two of them.
_KNOTS = (3, 12, 18, 24, 30, 40, 50, 60, 70)
_FEWEST = 50
_RATE = 0.05  # of a factor, a step at the beginning
# A factor 10 % from 1 costs a fifth of a year of score: chosen by benchmarks' `interval_ways`.
_NEAR_ONE = 20.0
_LEAST = 0.2
_CHANCE = 0.05  # of finding some band uneven where none is


def unevenly_held(true: Floats, held: npt.NDArray[np.bool_], coverage: float) -> bool:
    """Tell whether an interval holds some decade of ages more or less often than chance allows.

    Wilson's interval of each decade's share, with the error shared among them (Bonferroni).

    Args:
        true: exact ages, (n,) in years.
        held: whether the interval holds each of them, (n,).
        coverage: share of faces that it should hold.
    """
    members = bands_of(true, _FEWEST) > 0
    for member in members:
        hits, count = int(held[member].sum()), int(member.sum())
        share = share_interval(hits, count, confidence=1 - _CHANCE / len(members))
        if not share.low <= coverage <= share.high:
            return True
    return False


def even_bands(
    shape: IntervalShape,
    true: Floats,
    years: Floats,
    spread: Floats,
    *,
    floor: float = 1.0,
    coverage: float = 0.9,
    near_one: float = _NEAR_ONE,
) -> IntervalShape:
    """Return a shape that holds bands of true ages more alike than the given one.

    Args:
        shape: how far the interval reaches at each estimate, in proportion.
        true: exact ages of held-out faces, (n,) in years.
        years: the model's estimates of them, (n,) in years.
        spread: its own standard deviations, (n,) in years.
        floor: smallest spread that is used, in years.
        coverage: share of faces to hold.
        near_one: what factors cost that are not 1: their squared distance from it, so many times,
            in years of score.

    Returns:
        The given shape where no decade of ages has 50 faces; else one with its knots and more.
    """
    bands = bands_of(true, _FEWEST)
    if not len(bands):
        return shape
    knots = knots_of(years, _KNOTS, _FEWEST)
    hats = hats_of(years, knots)
    down, up = (side * np.maximum(spread, floor) for side in reach(shape, years))
    faces = Reaching(true, years, hats * down[:, None], hats * up[:, None], bands)
    # The factors are about a shape of the right size, whatever unit it came in.
    size = _size(true - years, down, up, coverage)
    found = descend(
        faces,
        np.full((2, len(knots)), size),
        coverage,
        rate=_RATE * size,
        pull=lambda factors: 2 * near_one * (factors / size - 1) / size,
    )
    factors = np.maximum(found / size, _LEAST)
    at = np.union1d(shape.at, knots)
    below, above = (
        (side * np.interp(at, knots, row)).round(3)
        for side, row in zip(reach(shape, at), factors, strict=True)
    )
    return IntervalShape(tuple(at.tolist()), tuple(below.tolist()), tuple(above.tolist()))


def _size(away: Floats, down: Floats, up: Floats, coverage: float) -> float:
    """By how much a shape is to be multiplied to hold that share of all faces."""
    needed = np.abs(away) / np.where(away < 0, down, up)
    return max(float(np.quantile(needed, coverage)), 1e-6)
