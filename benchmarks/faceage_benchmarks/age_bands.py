"""Bands of ages and the faces in each; means of some faces with their interval."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.stats import Floats, Interval, mean_interval

__all__ = ["age_band", "band_of", "band_start", "interval_of", "mean_with_interval", "rows_by_name"]

Rows = NDArray[np.bool_]

# From here on faces are too few for a band a decade.
_OLDEST_BAND = 70


def band_of(years: float) -> str:
    """Return the decade of an age, such as "20-29" for 29.5."""
    first = int(years // 10) * 10
    return f"{first}-{first + 9}"


def age_band(years: float) -> str:
    """Return the band of an age: its decade, or "70+" for all from 70 years on.

    >>> age_band(69.9), age_band(70), age_band(101)
    ('60-69', '70+', '70+')
    """
    return f"{_OLDEST_BAND}+" if years >= _OLDEST_BAND else band_of(years)


def band_start(name: str) -> float:
    """Return the age in years that a band or a bin begins at, for sorting.

    >>> band_start("20-29"), band_start("[3, 10)"), band_start("70+")
    (20.0, 3.0, 70.0)
    """
    return float(name.strip("[+").partition(",")[0].partition("-")[0])


def rows_by_name(
    names: Sequence[str], by: Callable[[str], Any] = band_start
) -> list[tuple[str, Rows]]:
    """Return each name once, in order, with the rows that have it.

    Args:
        names: one a face, (n,).
        by: what the names are sorted by.
    """
    column = np.asarray(names)
    return [(name, column == name) for name in sorted(set(names), key=by)]


def interval_of(values: Floats, bootstrap: Mapping[str, Any]) -> Interval:
    """Return the bootstrap interval of a mean, drawn as the file says; unit of the values."""
    return mean_interval(
        values,
        seed=bootstrap["seed"],
        resamples=bootstrap["resamples"],
        confidence=bootstrap["confidence"],
    )


def mean_with_interval(
    values: Floats, bootstrap: Mapping[str, Any]
) -> tuple[float, list[float] | None]:
    """Return a mean and its [low, high]; None for one value, which shows no spread."""
    if values.size == 1:
        return float(values[0]), None
    return float(values.mean()), list(interval_of(values, bootstrap))
