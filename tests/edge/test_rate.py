"""Frames a second, lately."""

from faceage_edge.rate import Rate


def test_the_rate_is_that_of_the_window() -> None:
    """Ten a second for a second, then silence."""
    rate = Rate(window_s=2.0)
    assert rate.per_second(0.0) == 0.0
    for moment in range(11):
        rate.add(moment / 10)
    assert rate.per_second(1.0) == 10.0
    # Half as many a second over twice the time.
    assert rate.per_second(2.0) == 5.0
    assert rate.per_second(3.5) == 0.0
