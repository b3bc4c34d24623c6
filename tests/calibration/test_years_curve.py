"""The curve that takes means to medians and rights the ages of the old."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.years_curve import fit_years_curve
from faceage_edge.errors import FacesError

AGES = np.tile(np.arange(0.0, 90.0), 40)

Floats = npt.NDArray[np.float64]


def stated(curve: tuple[tuple[float, float], ...], decoded: npt.ArrayLike) -> Floats:
    """What a curve makes of decoded ages."""
    points, values = np.array(curve).T
    return np.asarray(np.interp(np.asarray(decoded), points, values))


def test_right_ages_stay() -> None:
    """Of a model that makes no errors nothing is changed."""
    curve = fit_years_curve(AGES, AGES, highest=100)
    assert np.abs(stated(curve, AGES) - AGES).max() < 0.02


def test_the_old_are_made_older() -> None:
    """Decoded half as far above 60 as they are: twice the slope there, and those below stay. More
    where unseen faces lack more."""
    decoded = np.where(AGES > 60, 30 + AGES / 2, AGES)
    curve = fit_years_curve(AGES, decoded, highest=100)
    assert curve[-2:] == (pytest.approx((60, 60), abs=0.2), pytest.approx((100, 140), abs=1))
    assert stated(curve, [20, 40, 70]) == pytest.approx([20, 40, 80], abs=0.3)
    more = fit_years_curve(AGES, decoded, highest=100, unseen=1.5)
    assert more[:-1] == curve[:-1]
    assert stated(more, [70]) == pytest.approx([85], abs=0.3)


def test_the_old_are_not_made_younger() -> None:
    """Where they come out too old the line rises as it is decoded."""
    decoded = np.where(AGES > 60, AGES + 8, AGES)
    (before, first), (end, last) = fit_years_curve(AGES, decoded, highest=100)[-2:]
    assert last - first == pytest.approx(end - before, abs=0.01)


def test_medians_err_less_than_means() -> None:
    """A fifth of those from 20 to 50 are decoded sixteen years too young, as the mean of both wants
    it all others four too old: the curve says what is right for most."""
    random = np.random.default_rng(0)
    middle = (AGES >= 20) & (AGES < 50)
    true = AGES + 20 * (middle & (random.random(len(AGES)) < 0.2))
    decoded = AGES + 4 * middle
    curve = fit_years_curve(true, decoded, highest=100)
    among = (AGES >= 28) & (AGES < 42)
    before, after = decoded - true, stated(curve, decoded) - true
    assert np.median(before[among]) == 4
    assert abs(np.median(after[among])) < 0.5
    assert np.abs(after).mean() < np.abs(before).mean() - 0.3
    again = fit_years_curve(true[::-1], decoded[::-1], highest=100)
    assert again == curve


def test_it_ascends() -> None:
    """Whatever a head decodes: the contract takes no other curve."""
    random = np.random.default_rng(1)
    for _ in range(5):
        decoded = np.clip(AGES + random.normal(0, 40, len(AGES)), 0, 100)
        curve = fit_years_curve(AGES, decoded, highest=100)
        for (one, other), (later, higher) in itertools.pairwise(curve):
            assert one < later
            assert other < higher
        assert curve[0][1] >= 0


def test_no_old_faces() -> None:
    """Nothing to fit on, or nothing to stretch."""
    young = AGES[AGES < 70]
    with pytest.raises(FacesError, match="0 faces of 70 years and over; a years curve needs 30"):
        fit_years_curve(young, young, highest=100)
    with pytest.raises(FacesError, match="came out above 60"):
        fit_years_curve(AGES, np.full(len(AGES), 35.0), highest=100)
