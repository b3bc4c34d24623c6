"""The years curve: what an age model should state where its head decodes too young for the old.

A model trained to err little draws rare ages towards common ones, the old most of all: at 70 and
over small models are years too young. A straight line from 60 on, steep enough that the faces it
was trained on come out right on average at 70 and over, takes that back.
"""

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError

__all__ = ["OLD", "fit_years_curve"]

Curve = tuple[tuple[float, float], ...]

_KNEE = 60.0  # years; below it the curve changes nothing
OLD = 70.0  # years; faces of this age and over come out right on average
_FEWEST = 30  # such faces


def fit_years_curve(years_true: npt.ArrayLike, years: npt.ArrayLike, *, highest: float) -> Curve:
    """Fit the contract's `years_curve`.

    Args:
        years_true: exact ages, (n,) in years.
        years: what the head decodes, (n,) in years.
        highest: the largest age that the head can decode, above 60.

    Returns:
        Pairs (decoded, stated) of years. Where the old come out right already, or too old, the
        curve is straight.

    Raises:
        FacesError: fewer than 30 faces of 70 years and over, or a head that decodes none of them
            above 60.
    """
    true, decoded = np.asarray(years_true, np.float64), np.asarray(years, np.float64)
    old = true >= OLD
    if old.sum() < _FEWEST:
        raise FacesError(
            f"{int(old.sum())} faces of {OLD:.0f} years and over; a years curve needs {_FEWEST}"
        )
    above = np.maximum(decoded - _KNEE, 0)[old].mean()
    if above <= 0:
        raise FacesError(f"no face of {OLD:.0f} years and over came out above {_KNEE:.0f}")
    slope = 1 + max((true - decoded)[old].mean() / above, 0)
    end = round(float(_KNEE + slope * (highest - _KNEE)), 3)
    return ((0.0, 0.0), (_KNEE, _KNEE), (float(highest), end))
