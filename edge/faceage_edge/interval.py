"""The prediction interval of a contract: the ages that an estimate leaves possible."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

__all__ = [
    "Interval",
    "IntervalShape",
    "interval_document",
    "interval_ends",
    "parse_interval",
    "parse_shape",
    "reach",
]

Years = npt.NDArray[np.float64]

_MOST_KNOTS = 200  # one for every age and then some: more is no interval's shape


@dataclass(frozen=True)
class IntervalShape:
    """How far an interval reaches to either side at different estimates, in proportion.

    `at` are estimates in ascending order, (k,) in years; `below` and `above` the reach down and
    up there, (k,) above 0. Between them both run straight, outside they stay as they are.
    """

    at: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]


@dataclass(frozen=True)
class Interval:
    """Prediction interval fitted on held-out faces (split conformal).

    years + [low * below, high * above] * max(spread, floor) holds the true age for `coverage` of
    faces like the `n` it was fitted on; `below` and `above` are those of the shape at `years`, and
    1 where there is none.
    """

    coverage: float
    low: float
    high: float
    floor: float
    n: int
    shape: IntervalShape | None = None


def interval_ends(interval: Interval, years: Years, spread: Years) -> tuple[Years, Years]:
    """Return the two ends of each face's interval, (n,) in years; an end may lie below 0.

    Args:
        interval: of the model's contract.
        years: the model's estimates, (n,).
        spread: its own standard deviations, (n,) in years.
    """
    width = np.maximum(spread, interval.floor)
    below, above = reach(interval.shape, years)
    return years + interval.low * below * width, years + interval.high * above * width


def reach(shape: IntervalShape | None, years: Years) -> tuple[Years, Years]:
    """Return a shape's reach down and up at estimates, each (n,) above 0."""
    if shape is None:
        return np.ones_like(years), np.ones_like(years)
    return np.interp(years, shape.at, shape.below), np.interp(years, shape.at, shape.above)


def parse_interval(part: Fields) -> Interval:
    """Read the contract's field `interval`.

    Raises:
        ContractError: naming the first field that is missing or wrong.
    """
    shape = part.optional("shape")
    return Interval(
        coverage=part.number("coverage", above=0.0, below=1.0),
        low=part.number("low"),
        high=part.number("high", above=part.number("low")),
        floor=part.number("floor", above=0.0),
        n=part.integer("n", 1),
        shape=None if shape is None else parse_shape(shape),
    )


def interval_document(interval: Interval) -> dict[str, Any]:
    """The interval as JSON values; `parse_interval` undoes it."""
    document = {key: value for key, value in vars(interval).items() if key != "shape"}
    if interval.shape is not None:
        document["shape"] = {key: list(values) for key, values in vars(interval.shape).items()}
    return document


def parse_shape(part: Fields) -> IntervalShape:
    """Read an interval's shape; errors as `parse_interval`."""
    at = part.number_list("at", _MOST_KNOTS)
    if any(later <= earlier for earlier, later in itertools.pairwise(at)):
        raise ContractError(f"{part.where}: the estimates 'at' do not ascend")
    below, above = part.numbers("below", len(at)), part.numbers("above", len(at))
    if min(*below, *above) <= 0:
        raise ContractError(f"{part.where}: a reach of 0 or less")
    return IntervalShape(at, below, above)
