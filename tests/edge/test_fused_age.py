"""A track's age: the mean of its crops, with an interval that never shrinks."""

import numpy as np
import pytest

from faceage_edge.fused_age import AgeReading, FusedAge


def fuse(*readings: tuple[AgeReading, float]) -> AgeReading:
    age = FusedAge()
    for reading, quality in readings:
        age = age.add(reading, quality)
    return age.reading()


def test_one_reading_stays_as_it_is() -> None:
    """The first crop's age and interval are the track's."""
    assert fuse((AgeReading(30, 22, 39), 0.5)) == AgeReading(30, 22, 39)


def test_better_crops_count_more() -> None:
    """The age is the mean weighted by quality."""
    fused = fuse((AgeReading(20, 10, 30), 1.0), (AgeReading(50, 40, 60), 0.5))
    assert fused.years == pytest.approx(30)


def test_the_interval_is_the_best_crops_moved_to_the_mean() -> None:
    """Its width and lopsidedness stay those of the best single crop."""
    fused = fuse(
        (AgeReading(20, 5, 40), 0.2),
        (AgeReading(32, 25, 41), 0.8),
        (AgeReading(28, 0.5, 70), 0.2),
    )
    years = (0.2 * 20 + 0.8 * 32 + 0.2 * 28) / 1.2
    found = (fused.years, fused.low, fused.high)
    assert found == pytest.approx((years, years - 7, years + 9))


def test_the_interval_never_gets_narrower_with_more_crops() -> None:
    """After 100 crops it is as wide as that of the best one."""
    random = np.random.default_rng(0)
    readings = [
        (AgeReading(years, years - 8, years + 9), quality)
        for years, quality in zip(
            random.normal(35, 4, 100), random.uniform(0.3, 1, 100), strict=True
        )
    ]
    fused = fuse(*readings)
    assert fused.low is not None
    assert fused.high is not None
    assert fused.high - fused.low == pytest.approx(17)
    assert fused.years == pytest.approx(35, abs=1.5)


@pytest.mark.parametrize(
    ("best", "other", "low", "note"),
    [
        (AgeReading(6, 1, 12), AgeReading(2, 0, 8), 0.0, "moved below 0, stops there"),
        (AgeReading(3, 0, 9), AgeReading(9, 4, 15), 0.0, "stopped at 0 before, is not moved up"),
    ],
)
def test_nobody_is_younger_than_zero(
    best: AgeReading, other: AgeReading, low: float, note: str
) -> None:
    """The lower end stays at 0 or above, on the wide side."""
    assert fuse((best, 0.6), (other, 0.4)).low == low, note


def test_a_model_without_an_interval_gives_none() -> None:
    """No interval of the crops, none of the track."""
    assert fuse((AgeReading(30), 1.0), (AgeReading(40), 1.0)) == AgeReading(35)


def test_adding_makes_a_new_age() -> None:
    """Ages are values; nothing changes under a reader's hands, and an empty one says so."""
    empty = FusedAge()
    empty.add(AgeReading(30), 1.0)
    with pytest.raises(ValueError, match="no reading"):
        empty.reading()


def test_the_best_few_are_kept() -> None:
    """A better crop takes the worst one's place, a worse one changes nothing; the best stays."""
    age = FusedAge(keep=2)
    for years, quality in ((20, 0.5), (40, 0.9)):
        assert age.wants(quality)
        age = age.add(AgeReading(years, years - 8, years + 9), quality)
    assert not age.wants(0.5) and age.wants(0.6)
    same = age.add(AgeReading(90), 0.1)
    assert same.reading() == age.reading()
    better = age.add(AgeReading(30, 20, 40), 0.6)
    assert better.reading().years == pytest.approx((40 * 0.9 + 30 * 0.6) / 1.5)
    low, high = better.reading().low, better.reading().high
    assert low is not None and high is not None
    assert high - low == pytest.approx(17), "as wide as the best single crop's"


@pytest.mark.parametrize("keep", [None, 8])
def test_jitter_is_the_readings_own_deviation(keep: int | None) -> None:
    """None for one reading, then the weighted standard deviation; it narrows no interval."""
    age = FusedAge(keep=keep).add(AgeReading(30, 20, 40), 1.0)
    assert age.jitter is None
    age = age.add(AgeReading(36, 20, 40), 1.0)
    assert age.jitter == pytest.approx(3)
