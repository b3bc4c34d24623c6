"""Shapes of prediction intervals."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.interval_shape import fit_shape
from faceage_calibration.intervals import coverage_of, fit_interval
from faceage_edge.errors import FacesError
from faceage_edge.interval import IntervalShape, reach

Floats = npt.NDArray[np.float64]


def simulated(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return ages, estimates and spreads of 1: the old err ten times as far as children do, and
    downwards."""
    generator = np.random.default_rng(seed)
    true = generator.uniform(0, 80, n)
    error = generator.normal(0, 0.5 + true / 20, n) - true / 20
    return true, np.maximum(true + error, 0), np.ones(n)


@pytest.fixture(scope="module")
def shape() -> IntervalShape:
    """The shape of 4,000 simulated faces."""
    return fit_shape(*simulated(4000, 0))


def test_the_reach_follows_the_errors(shape: IntervalShape) -> None:
    """It is longer for the old than for children, and upwards, where the true ages lie."""
    below, above = reach(shape, np.array([4.0, 70.0]))
    assert above[1] > 4 * above[0]
    assert above[1] > 1.5 * below[1]


def test_every_band_is_covered(shape: IntervalShape) -> None:
    """With the size fitted on other faces, bands of ages are covered alike.

    A band of 4,000 faces in eight has 500; five standard errors of a share of 0.9 are 0.067, and
    where the estimates end, ages mix.
    """
    interval = fit_interval(*simulated(800, 1), shape=shape)
    true, years, spread = simulated(4000, 2)
    for low in range(0, 80, 10):
        band = (true >= low) & (true < low + 10)
        covered = coverage_of(interval, true[band], years[band], spread[band])
        assert covered == pytest.approx(0.9, abs=0.08), low


def test_the_shape_beats_one_width(shape: IntervalShape) -> None:
    """Both cover, and the shaped intervals are a tenth narrower at least."""
    held, test = simulated(800, 1), simulated(4000, 2)
    widths = []
    for one in (None, shape):
        interval = fit_interval(*held, shape=one)
        below, above = reach(interval.shape, test[1])
        widths.append(float((interval.high * above - interval.low * below).mean()))
        assert coverage_of(interval, *test) == pytest.approx(0.9, abs=0.05)
    assert widths[1] < 0.9 * widths[0]


def test_few_faces_have_few_knots() -> None:
    """A knot has twenty faces at least; with few faces the reach is one everywhere."""
    true, years, spread = simulated(25, 3)
    assert len(fit_shape(true, years, spread).at) == 1


def test_faces_that_teach_nothing() -> None:
    """Too few, or numbers that are none."""
    with pytest.raises(FacesError, match="19 faces; the shape of an interval needs 20"):
        fit_shape(*simulated(19, 0))
    true, years, spread = simulated(30, 0)
    years[3] = np.nan
    with pytest.raises(FacesError, match="not finite"):
        fit_shape(true, years, spread)


def test_a_shape_of_another_model(shape: IntervalShape) -> None:
    """Estimates that lie all on one side of the ages fit no interval around them."""
    true, years, spread = simulated(100, 4)
    with pytest.raises(FacesError, match="on one side of nearly all estimates"):
        fit_interval(true, years - 60, spread, shape=shape)
