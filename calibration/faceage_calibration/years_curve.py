"""The years curve: what an age model should state for what its head decodes.

A head decodes the mean of the ages that it holds possible, and what errs least in years is their
median: where ages are oftener misjudged upwards than downwards, or the other way round, the two lie
up to a year apart. So up to 60 the curve follows the faces' medians (quantile regression: Koenker
and Bassett, Econometrica 46(1), 1978), a straight line from decade to decade.

A model trained to err little also draws rare ages towards common ones, the old most of all: at 70
and over small models are years too young. From 60 on the curve is one line, steep enough that
faces come out right on average at 70 and over, or steeper: faces that it was trained on lack less
than others.
"""

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError

__all__ = ["OLD", "fit_years_curve"]

Curve = tuple[tuple[float, float], ...]
Floats = npt.NDArray[np.float64]

_KNEE = 60.0  # years; from there on the curve is a line for the old
OLD = 70.0  # years; what faces of this age and over lack on average, the line makes up for
_FEWEST = 30  # such faces
_DECADE = 10.0
# Of the decimals of a curve: below what any face moves a median by.
_DIGITS = 2
# Medians by least squares that are weighted anew: errors of less than this many years count alike,
# and a point of the curve stays where it is as if one face a year away held it.
_NEAR, _HOLD, _ROUNDS = 0.1, 1.0, 100
# Years by which stated ages rise over a decade of decoded ones at least: a curve must ascend.
_RISE = 1.0


def fit_years_curve(
    years_true: npt.ArrayLike, years: npt.ArrayLike, *, highest: float, unseen: float = 1.0
) -> Curve:
    """Fit the contract's `years_curve`.

    Args:
        years_true: exact ages, (n,) in years.
        years: what the head decodes, (n,) in years.
        highest: the largest age that the head can decode, above 60.
        unseen: how many times what these faces lack at 70 and over unseen faces lack.

    Returns:
        Pairs (decoded, stated) of years. From 60 on ages rise at least as fast as they are decoded.

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
    knots = np.append(np.arange(0.0, _KNEE + _DECADE, _DECADE), highest)
    stated = _medians(knots, true, decoded)[:-1]
    right = np.interp(decoded, knots[:-1], stated)
    lacking = max(float((true - right)[old].mean() / above) - 1, 0.0)
    slope = 1 + unseen * lacking
    end = round(float(stated[-1] + slope * (highest - _KNEE)), 3)
    curve = [*zip(knots[:-1].tolist(), stated.tolist(), strict=True), (float(highest), end)]
    return tuple((float(one), float(other)) for one, other in curve)


def _medians(knots: Floats, true: Floats, decoded: Floats) -> Floats:
    """The true age, at each decoded age of `knots`, that as many faces are above as below."""
    shares = np.stack([np.interp(decoded, knots, row) for row in np.eye(len(knots))], axis=1)
    stated = knots
    for _ in range(_ROUNDS):
        weights = 1 / np.hypot(shares @ stated - true, _NEAR)
        weighted = shares * weights[:, None]
        held = weighted.T @ shares + _HOLD * np.eye(len(knots))
        wanted = weighted.T @ true + _HOLD * knots
        stated = np.asarray(np.linalg.solve(held, wanted), np.float64)
    ascending = [float(stated[0])]
    for one in stated[1:]:
        ascending.append(max(float(one), ascending[-1] + _RISE))
    return np.asarray(np.maximum(np.round(ascending, _DIGITS), 0), np.float64)
