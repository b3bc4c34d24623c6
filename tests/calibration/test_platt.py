"""Probabilities that are frequencies."""

import numpy as np
import pytest

from faceage_calibration.platt import fit_sigmoid
from faceage_edge.errors import FacesError


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (2.5, -0.7), (0.4, 1.5)])
def test_the_sigmoid_that_made_the_samples_is_found(slope: float, offset: float) -> None:
    """From 20,000 samples the parameters come back within their own errors."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, 20_000)
    share = 1 / (1 + np.exp(-(slope * logits + offset)))
    found = fit_sigmoid(logits, random.random(20_000) < share)
    # Standard errors of these fits are about 0.03.
    assert found == pytest.approx((slope, offset), abs=0.12)


def test_samples_that_do_not_overlap_still_have_a_finite_slope() -> None:
    """Perfectly parted, plain maximum likelihood would have none."""
    logits = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    slope, offset = fit_sigmoid(logits, logits > 0)
    assert 0 < slope < 10
    assert offset == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("positive", "words"),
    [
        ([True] * 4, "one side is empty"),
        ([True, True, False, False], "are the labels ages"),
    ],
)
def test_what_cannot_be_fitted_is_said(positive: list[bool], words: str) -> None:
    """One kind of samples, or scores the wrong way round."""
    with pytest.raises(FacesError, match=words):
        fit_sigmoid(np.array([-2.0, -1.0, 1.0, 2.0]), np.array(positive))
