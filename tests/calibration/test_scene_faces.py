"""Faces put into scenes."""

import numpy as np
import pytest

from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.pictures import MemorySource
from faceage_calibration.scene_faces import ChipFace, is_profile, occluded, paste, placed
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], float)


def chip(colour: int = 200) -> ChipFace:
    """A grey chip of 100 x 100 with its face in the middle."""
    source = LabelledFace("a.png", "0" * 64, Label(), MemorySource(b""))
    picture = np.full((100, 100, 3), colour, np.uint8)
    return ChipFace(source, picture, Face(FrameBox(20, 20, 60, 80), FrameLandmarks(POINTS), 1.0))


@pytest.mark.parametrize(
    ("nose", "profile", "note"),
    [(50, False, "from the front"), (40, False, "turned"), (31, True, "by an eye"), (20, True, "")],
)
def test_profiles(nose: float, profile: bool, note: str) -> None:
    """A nose in the outer fifths of the line from eye to eye is a profile."""
    points = POINTS.copy()
    points[2, 0] = nose
    assert is_profile(FrameLandmarks(points)) == profile, note


def test_a_face_gets_the_height_it_should() -> None:
    """The box keeps its aspect, and the landmarks their place in it, mirrored or not."""
    random = np.random.default_rng(0)
    for _ in range(50):
        spot = placed(random, chip(), 40.0, (640, 480))
        assert spot.box.height == pytest.approx(40)
        assert spot.box.width == pytest.approx(30)
        # The eyes are 40 of 80 pixels apart: half of the box's height, however it leans.
        apart = np.hypot(*(spot.landmarks.points[1] - spot.landmarks.points[0]))
        assert apart == pytest.approx(20)


def test_pasting_changes_the_face_and_leaves_the_rest() -> None:
    """The middle of the box has the chip's colour, a corner of the frame its own."""
    random = np.random.default_rng(1)
    frame = np.zeros((480, 640, 3), np.uint8)
    spot = placed(random, chip(), 60.0, (640, 480))
    paste(random, frame, chip(), spot)
    x, y = (round(value) for value in spot.box.center)
    assert (frame[y, x] == 200).all()
    # A chip is 100 / 80 of the face's height on each side, and leans: twice the face bounds it.
    assert np.count_nonzero(frame.any(axis=2)) < (2 * 60) ** 2


def test_a_hidden_part_is_a_part() -> None:
    """Something changes, at most half of the box, and the caller's picture does not."""
    random = np.random.default_rng(2)
    shares = []
    for _ in range(60):
        before = chip(90)
        after = occluded(random, before)
        assert (before.picture == 90).all()
        inside = (after.picture[20:100, 20:80] != 90).any(axis=2)
        shares.append(float(inside.mean()))
    assert max(shares) <= 0.55
    assert np.mean([share > 0.05 for share in shares]) > 0.3
