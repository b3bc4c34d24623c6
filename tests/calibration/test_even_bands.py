"""Bands of true ages that an interval holds alike."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.even_bands import even_bands, unevenly_held
from faceage_calibration.interval_shape import fit_shape
from faceage_calibration.intervals import coverage_of, fit_interval, fit_shaped_interval
from faceage_edge.interval import IntervalShape

Floats = npt.NDArray[np.float64]
FLAT = IntervalShape((20.0, 40.0, 60.0), (1.0,) * 3, (1.0,) * 3)


def simulated(n: int, seed: int, *, learnt: bool = False) -> tuple[Floats, Floats, Floats]:
    """Return ages, estimates and spreads of 1; of faces it learnt from, the model errs a third as
    far, and of the old ones a sixth."""
    generator = np.random.default_rng(seed)
    true = generator.uniform(0, 80, n)
    error = generator.normal(0, 2 + true / 20, n)
    if learnt:
        error /= np.where(true < 50, 3, 6)
    return true, np.maximum(true + error, 0), np.ones(n)


def by_decade(ages: tuple[Floats, Floats, Floats], shape: IntervalShape | None) -> list[float]:
    """What an interval of this shape holds of each decade of 20,000 other faces."""
    test = simulated(20000, 9)
    interval = fit_shaped_interval(*ages, shape=shape)
    decade = test[0] // 10
    return [coverage_of(interval, *(values[decade == d] for values in test)) for d in range(8)]


def test_bands_are_held_alike() -> None:
    """A shape of faces the model has learnt is too short for the old; 2,000 others mend that."""
    shape, held = fit_shape(*simulated(4000, 0, learnt=True)), simulated(2000, 1)
    test = simulated(20000, 9)
    plain = fit_interval(*held, shape=shape)
    old = test[0] >= 60
    assert coverage_of(plain, *(values[old] for values in test)) < 0.8
    assert all(abs(share - 0.9) < 0.07 for share in by_decade(held, shape))


def test_the_whole_is_held_as_stated() -> None:
    """Over twenty draws the mean coverage is 90 %, within what 20 x 1,000 faces allow."""
    shape, test = fit_shape(*simulated(4000, 0, learnt=True)), simulated(20000, 9)
    draws = [fit_shaped_interval(*simulated(1000, seed), shape=shape) for seed in range(100, 120)]
    assert np.mean([coverage_of(one, *test) for one in draws]) == pytest.approx(0.9, abs=0.01)


def test_what_holds_is_left_alone() -> None:
    """Few faces, or none that speak against a shape: its size alone is fitted."""
    right = fit_shape(*simulated(8000, 0))
    for n in (60, 600):
        held = simulated(n, 3)
        assert fit_shaped_interval(*held, shape=right) == fit_interval(*held, shape=right)
    held = simulated(600, 3)
    assert fit_shaped_interval(*held, shape=None) == fit_interval(*held, shape=None)


def test_the_same_faces_give_the_same_interval() -> None:
    """Nothing is drawn that is not seeded."""
    held = simulated(600, 4)
    assert fit_shaped_interval(*held, shape=FLAT).shape != FLAT
    assert fit_shaped_interval(*held, shape=FLAT) == fit_shaped_interval(*held, shape=FLAT)


@pytest.mark.parametrize("unit", [0.1, 1.0, 30.0])
def test_a_shape_may_come_in_any_unit(unit: float) -> None:
    """What the factors are does not depend on how large the shape was written."""
    held = simulated(600, 4)
    scaled = IntervalShape(FLAT.at, (unit,) * 3, (unit,) * 3)
    one, other = even_bands(FLAT, *held), even_bands(scaled, *held)
    assert np.allclose(np.array(other.below) / unit, one.below, atol=0.02)
    assert np.allclose(np.array(other.above) / unit, one.above, atol=0.02)


def test_too_few_faces_of_every_decade() -> None:
    """No decade has 50: the shape stays."""
    assert even_bands(FLAT, *simulated(200, 5)) is FLAT


def test_chance_is_not_taken_for_unevenness() -> None:
    """Of even shares one in twenty is called uneven; of one band at 70 %, all."""
    generator = np.random.default_rng(0)
    true = np.repeat(np.arange(8) * 10.0, 150)
    chance = [unevenly_held(true, generator.random(1200) < 0.9, 0.9) for _ in range(400)]
    assert 0.005 < np.mean(chance) < 0.12
    wanted = np.where(true == 30, 0.7, 0.9)
    found = [unevenly_held(true, generator.random(1200) < wanted, 0.9) for _ in range(50)]
    assert np.mean(found) > 0.95
