"""Float against int8 on a clip, with sides that a test controls."""

from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.clip_ages import Side, clip_figures, measure_clip
from faceage_calibration.errors import SamplesError
from faceage_edge.age import Ages
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks

POINTS = np.array([[8.0, 10], [22, 10], [15, 17], [10, 23], [20, 23]])
TEMPLATE = CropTemplate(32, 32, POINTS)


def side(seen: list[Any], *, shift: float, blind_to: int) -> Side:
    """Return a side that misses frames of one grey, and reads ages off the crop's grey."""

    def detect(frame: np.ndarray[Any, Any]) -> list[Face]:
        if frame[0, 0, 0] == blind_to:
            return []
        return [Face(FrameBox(0, 0, 32, 32), FrameLandmarks(POINTS), 0.9)]

    def estimate(crops: np.ndarray[Any, Any]) -> Ages:
        seen.append(crops)
        years = crops.mean(axis=(1, 2, 3)) + shift
        return Ages(years, years * 0, years, years)

    return Side(detect, estimate)


def test_both_sides_get_identical_crops() -> None:
    """The crops are those of the int8 detector; a frame it misses has no ages."""
    ours: list[Any] = []
    theirs: list[Any] = []
    frames = [np.full((32, 32, 3), grey, np.uint8) for grey in (20, 30, 40)]
    samples = measure_clip(
        frames,
        side(ours, shift=0.5, blind_to=30),
        side(theirs, shift=0.0, blind_to=40),
        TEMPLATE,
    )
    assert samples == {
        "found_int8": [True, False, True],
        "found_float32": [True, True, False],
        "years_int8": [20.5, 40.5],
        "years_float32": [20.0, 40.0],
    }
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
    assert clip_figures(samples, {}) == {
        "frames": 3,
        "faces_int8": 2,
        "faces_float32": 2,
        "mean_age_int8": 30.5,
        "mean_age_float32": 30.0,
        "mean_abs_difference": 0.5,
        "max_abs_difference": 0.5,
    }


def test_no_face_at_all() -> None:
    """A clip without a face gives no figures."""
    blind = side([], shift=0.0, blind_to=20)
    samples = measure_clip([np.full((32, 32, 3), 20, np.uint8)], blind, blind, TEMPLATE)
    with pytest.raises(SamplesError, match="no face in 1 frames"):
        clip_figures(samples, {})
