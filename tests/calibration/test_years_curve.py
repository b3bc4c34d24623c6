"""The curve that rights the ages of the old."""

import numpy as np
import pytest

from faceage_calibration.years_curve import fit_years_curve
from faceage_edge.errors import FacesError

TRUE = np.repeat([40.0, 65.0, 80.0], 40)


def test_the_old_come_out_right_on_average() -> None:
    """80 decoded as 75: a slope of 20 in 15 above 60; those below 60 stay."""
    curve = fit_years_curve(TRUE, np.where(TRUE == 80, 75.0, TRUE), highest=100)
    assert curve[:2] == ((0.0, 0.0), (60.0, 60.0))
    assert curve[2] == pytest.approx((100.0, 60 + 40 * 20 / 15), abs=1e-3)
    decoded, right = np.array(curve).T
    stated = np.interp([40.0, 75.0], decoded, right)
    assert stated == pytest.approx([40, 80], abs=1e-3)


def test_nothing_is_made_younger() -> None:
    """Where the old come out too old the curve is straight."""
    assert fit_years_curve(TRUE, TRUE + 3, highest=100)[-1] == (100.0, 100.0)


def test_no_old_faces() -> None:
    """Nothing to fit on, or nothing to stretch."""
    with pytest.raises(FacesError, match="0 faces of 70 years and over; a years curve needs 30"):
        fit_years_curve(TRUE[:40], TRUE[:40], highest=100)
    with pytest.raises(FacesError, match="came out above 60"):
        fit_years_curve(TRUE, np.full(120, 35.0), highest=100)
