"""Results as the loop makes them, for tests of what takes them."""

import numpy as np
import numpy.typing as npt

from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_edge.result import FrameResult
from faceage_edge.tracking import TrackedFace

__all__ = ["PICTURE", "face", "result"]

SHARES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
PICTURE: npt.NDArray[np.uint8] = np.full((120, 160, 3), 90, np.uint8)


def face(track: int = 1, age: float = 34.0, gender: tuple[str, float] | None = None) -> TrackedFace:
    """A face 50 pixels wide; of gender nothing is said unless given."""
    box, landmarks = FrameBox(20.0, 30.0, 50.0, 60.0), FrameLandmarks(SHARES * 50 + [20, 30])
    return TrackedFace(track, box, landmarks, 0.9, age, age - 6, age + 7, gender=gender)


def result(number: int = 0, *faces: TrackedFace, time_s: float | None = None) -> FrameResult:
    """The result of a frame; its time is a tenth of its number unless said."""
    return FrameResult(number, number / 10 if time_s is None else time_s, 25.0, faces)
