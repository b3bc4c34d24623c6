"""Ends of prediction intervals."""

import numpy as np
import pytest

from faceage_edge.errors import ContractError
from faceage_edge.interval import Interval, IntervalShape, interval_document, interval_ends
from faceage_edge.json_fields import Fields

SHAPE = IntervalShape((10.0, 40.0), (2.0, 8.0), (4.0, 6.0))
PLAIN = Interval(coverage=0.9, low=-1.5, high=1.25, floor=2.0, n=100)
SHAPED = Interval(coverage=0.9, low=-1.5, high=1.25, floor=2.0, n=100, shape=SHAPE)

# Interval, years, spread, ends, note.
ENDS = [
    (PLAIN, 40.0, 4.0, (34.0, 45.0), "by the spread"),
    (PLAIN, 40.0, 0.5, (37.0, 42.5), "by the floor"),
    (SHAPED, 10.0, 0.0, (4.0, 20.0), "10 - 1.5 x 2 x 2, 10 + 1.25 x 4 x 2"),
    (SHAPED, 25.0, 0.0, (10.0, 37.5), "half way: reaches of 5 and 5"),
    (SHAPED, 90.0, 3.0, (54.0, 112.5), "outside the knots as at the last"),
]


@pytest.mark.parametrize(("interval", "years", "spread", "ends", "note"), ENDS)
def test_ends(
    interval: Interval, years: float, spread: float, ends: tuple[float, float], note: str
) -> None:
    """years + [low x below, high x above] x max(spread, floor)."""
    low, high = interval_ends(interval, np.array([years]), np.array([spread]))
    assert (low[0], high[0]) == pytest.approx(ends)


def test_a_plain_interval_is_written_without_a_shape() -> None:
    """Contracts of before keep their bytes."""
    assert list(interval_document(PLAIN)) == ["coverage", "low", "high", "floor", "n"]
    assert interval_document(SHAPED)["shape"]["below"] == [2.0, 8.0]


def test_lists_that_are_none() -> None:
    """Lists of free length say how long they may be."""
    fields = Fields({"at": 3, "long": [1.0] * 9}, "here")
    with pytest.raises(ContractError, match="'at' is 3, expected a list of 1 to 8 numbers"):
        fields.number_list("at", 8)
    with pytest.raises(ContractError, match="expected a list of 1 to 8 numbers"):
        fields.number_list("long", 8)
