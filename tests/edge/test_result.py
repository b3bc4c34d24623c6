"""The JSON of a frame, a public interface."""

import json
from dataclasses import replace

import numpy as np

from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_edge.result import FrameResult, Status
from faceage_edge.tracking import TrackedFace


def test_a_result_has_exactly_the_promised_keys() -> None:
    """Keys, their order and the rounding are fixed; boxes are not cut at the frame's edge."""
    face = TrackedFace(
        track=3,
        box=FrameBox(-4.26, 10.04, 50.0, 60.777),
        landmarks=FrameLandmarks(np.zeros((5, 2))),
        score=0.987654,
        age=34.26,
        age_low=28.04,
        age_high=41.96,
        age_jitter=1.26,
    )
    result = FrameResult(7, 0.5600001, 12.3456, (face,), Status(degraded=True, restarts=2))
    assert json.dumps(result.to_json()) == (
        '{"frame": 7, "time_s": 0.56, "latency_ms": 12.35, "degraded": true, '
        '"restarts": 2, "faces": [{"track": 3, '
        '"box": [-4.3, 10.0, 50.0, 60.8], "score": 0.9877, '
        '"age": 34.3, "age_low": 28.0, "age_high": 42.0, "age_jitter": 1.3}]}'
    )


def test_an_age_without_an_interval_has_null_ends() -> None:
    """A model that states no interval gets none."""
    face = TrackedFace(
        1, FrameBox(0, 0, 9, 9), FrameLandmarks(np.zeros((5, 2))), 0.9, 30, None, None
    )
    (document,) = FrameResult(0, 0, 0, (face,)).to_json()["faces"]
    assert (document["age_low"], document["age_high"]) == (None, None)


def test_gender_is_there_only_where_it_is_asked_for() -> None:
    """The likeliest, and its share to four digits, behind the ages."""
    face = TrackedFace(
        1, FrameBox(0, 0, 9, 9), FrameLandmarks(np.zeros((5, 2))), 0.9, 30, 20, 40,
        gender=("female", 0.87654),
    )  # fmt: skip
    (said,) = FrameResult(0, 0, 0, (face,)).to_json()["faces"]
    assert list(said)[-3:] == ["age_jitter", "gender", "gender_share"]
    assert (said["gender"], said["gender_share"]) == ("female", 0.8765)
    (other,) = FrameResult(0, 0, 0, (replace(face, gender=None),)).to_json()["faces"]
    assert "gender" not in other and "gender_share" not in other


def test_a_frame_without_faces_is_a_result_too() -> None:
    """The list is empty, never absent."""
    assert FrameResult(0, 0.0, 1.0, ()).to_json()["faces"] == []
