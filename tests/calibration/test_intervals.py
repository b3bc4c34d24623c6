"""Prediction intervals."""

import numpy as np
import pytest

from faceage_calibration.intervals import coverage_of, faces_needed, fit_interval
from faceage_edge.errors import FacesError, UsageError

Ages = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulated(n: int, generator: np.random.Generator) -> Ages:
    """Return true ages, estimates and spreads whose errors grow with the spread, are skewed and
    three times what the spread claims."""
    spread = generator.uniform(0.2, 6, n)
    truth = generator.uniform(0, 100, n)
    return truth, truth - 3 * spread * (generator.exponential(1, n) - 0.8), spread


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [40, 200, 786])
def test_the_stated_coverage_holds(coverage: float, n: int) -> None:
    """On new faces of the same kind the mean coverage over many fits is the stated one.

    Split conformal covers between coverage and coverage + 2 / (n + 1) on average. A fit's own
    coverage has a deviation below 0.5 / sqrt(n + 2) and its estimate on 4,000 faces one of 0.008,
    so the mean over 60 fits is allowed five standard errors of both.
    """
    generator = np.random.default_rng(n)
    test = simulated(4000, generator)
    reached = [
        coverage_of(fit_interval(*simulated(n, generator), coverage=coverage), *test)
        for _ in range(60)
    ]
    slack = 5 * (0.5 / np.sqrt((n + 2) * 60) + 0.008)
    assert coverage - slack <= np.mean(reached) <= coverage + 2 / (n + 1) + slack


def test_faces_with_a_wide_spread_are_covered_too() -> None:
    """Where errors grow with the spread the interval does: both halves are covered alike."""
    generator = np.random.default_rng(7)
    interval = fit_interval(*simulated(2000, generator))
    truth, years, spread = simulated(20000, generator)
    wide = spread > np.median(spread)
    covered = [coverage_of(interval, truth[s], years[s], spread[s]) for s in (wide, ~wide)]
    # Below the floor of a year the narrow half is a little over-covered.
    assert np.abs(np.array(covered) - 0.9).max() < 0.04


def test_the_ends_are_order_statistics() -> None:
    """With 19 scores 90 % takes the smallest and the largest: ceil(20 * 0.95) = 19."""
    errors = np.arange(19, dtype=float) - 5
    interval = fit_interval(50 + errors, np.full(19, 50.0), np.full(19, 2.0))
    assert (interval.low, interval.high) == (-2.5, 6.5)
    assert (interval.n, interval.coverage, interval.floor) == (19, 0.9, 1.0)


@pytest.mark.parametrize(
    ("coverage", "needed"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.95, 39), (0.99, 199)]
)
def test_too_few_faces_are_refused(coverage: float, needed: int) -> None:
    """The error says how many faces the coverage needs; with as many the fit works."""
    assert faces_needed(coverage) == needed
    ages = simulated(needed, np.random.default_rng(0))
    assert fit_interval(*ages, coverage=coverage).n == needed
    few = [values[1:] for values in ages]
    with pytest.raises(FacesError, match=rf"{needed - 1} faces are too few.*needs {needed} with"):
        fit_interval(*few, coverage=coverage)


def test_the_floor_tames_a_head_that_claims_no_spread() -> None:
    """A spread of 0, as of a regression head, makes an interval in years."""
    generator = np.random.default_rng(3)
    error = generator.normal(0, 5, 500)
    interval = fit_interval(40 + error, np.full(500, 40.0), np.zeros(500))
    # 5 % and 95 % of a normal distribution with deviation 5 lie at 8.2 years.
    assert interval.low == pytest.approx(-8.2, abs=1.5)
    assert interval.high == pytest.approx(8.2, abs=1.5)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 90.0, float("nan")])
def test_coverages_that_cannot_be(coverage: float) -> None:
    """A coverage is a share between 0 and 1."""
    with pytest.raises(UsageError, match="share between 0 and 1"):
        fit_interval(*simulated(50, np.random.default_rng(0)), coverage=coverage)


@pytest.mark.parametrize("floor", [0.0, -1.0, float("inf"), float("nan")])
def test_floors_that_cannot_be(floor: float) -> None:
    """A floor is above 0."""
    with pytest.raises(UsageError, match="above 0"):
        fit_interval(*simulated(50, np.random.default_rng(0)), floor=floor)


def test_values_that_are_not_finite_are_counted() -> None:
    """One NaN among the estimates would make quantiles of nonsense."""
    truth, years, spread = simulated(50, np.random.default_rng(0))
    years[7] = np.nan
    with pytest.raises(FacesError, match="1 of 50 faces"):
        fit_interval(truth, years, spread)


def test_lists_of_different_lengths_are_a_mistake_of_the_caller() -> None:
    """Ages, estimates and spreads belong together."""
    with pytest.raises(ValueError, match="same length"):
        fit_interval([1.0, 2.0], [1.0], [1.0, 1.0])


def test_no_faces_have_no_coverage() -> None:
    """A share of nothing is refused."""
    interval = fit_interval(*simulated(50, np.random.default_rng(0)))
    with pytest.raises(FacesError, match="no faces"):
        coverage_of(interval, [], [], [])
