"""A track's gender: the mean of what its crops gave."""

import pytest

from faceage_edge.fused_gender import FusedGender


def test_better_crops_count_more() -> None:
    """Shares are means weighted by quality."""
    first = FusedGender().add({"male": 0.9, "female": 0.1}, 0.2)
    fused = first.add({"male": 0.3, "female": 0.7}, 0.8)
    assert first.likeliest() == ("male", pytest.approx(0.9))
    assert fused.likeliest() == ("female", pytest.approx(0.58))


def test_nothing_is_said_where_nothing_was_read() -> None:
    """Of equals the first counts."""
    assert FusedGender().likeliest() is None
    assert FusedGender().add({"male": 0.5, "female": 0.5}, 1.0).likeliest() == ("male", 0.5)
