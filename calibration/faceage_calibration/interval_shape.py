"""The shape of a prediction interval: how far it should reach to either side at each estimate.

A model errs by other amounts, and to other sides, at 5, 25 and 70 years. Its errors on the many
faces it was trained on are too small, but tell where they are larger and to which side; the size is
then fitted on held-out faces (`intervals.fit_interval`), and where there are enough of those the
bands of ages too (`even_bands`).
"""

import numpy as np
import numpy.typing as npt

from faceage_calibration.interval_descent import Reaching, bands_of, descend, hats_of, knots_of
from faceage_edge.errors import FacesError
from faceage_edge.interval import IntervalShape

__all__ = ["fit_shape"]

Floats = npt.NDArray[np.float64]

# Estimates at which the reach is free: closer where ages differ most from year to year.
_KNOTS = (1, 2, 4, 8, 12, 16, 20, 24, 28, 33, 38, 44, 50, 56, 62, 68, 74, 80)
_FEWEST = 20  # faces between knots; with fewer a knot is left out
_RATE = 0.2  # years a step at the beginning
_SMOOTH = 1e-3  # against reaches that jump from knot to knot
_SHORTEST = 0.2  # of a unit of spread: no side of an interval vanishes


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
    knots = knots_of(estimate, _KNOTS, _FEWEST)
    hats = hats_of(estimate, knots) * width[:, None]
    faces = Reaching(true, estimate, hats, hats, bands_of(true))
    start = float(np.quantile(np.abs(true - estimate) / width, coverage))
    reach = descend(
        faces, np.full((2, len(knots)), start), coverage, rate=_RATE, pull=_against_jumps
    )
    below, above = np.maximum(reach, _SHORTEST).round(3)
    return IntervalShape(tuple(knots), tuple(below.tolist()), tuple(above.tolist()))


def _against_jumps(reach: Floats) -> Floats:
    return 2 * _SMOOTH * np.stack([_bending(row) for row in reach])


def _bending(reach: Floats) -> Floats:
    """Half the slope of the sum of squared second differences."""
    slope = np.zeros_like(reach)
    if len(reach) > 2:
        bend = np.diff(reach, 2)
        slope[:-2] += bend
        slope[1:-1] -= 2 * bend
        slope[2:] += bend
    return slope
