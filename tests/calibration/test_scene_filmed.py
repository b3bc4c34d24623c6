"""Filmed frames in scenes."""

from pathlib import Path

import numpy as np
import pytest

from faceage_calibration.scene_filmed import FilmedFrame, put_filmed, read_filmed
from faceage_edge.detector import load_detector
from faceage_edge.errors import FaceageError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

# Left eye, right eye, nose, left and right corner of the mouth.
POINTS = np.array([[210, 90], [250, 90], [230, 105], [215, 120], [245, 120]], float)


def filmed() -> FilmedFrame:
    """A grey frame of 480 x 270 with one bright face, a dot of its own red at each landmark."""
    picture = np.full((270, 480, 3), 60, np.uint8)
    picture[60:132, 200:260] = (10, 220, 0)
    for number, (x, y) in enumerate(POINTS.astype(int)):
        picture[y - 3 : y + 4, x - 3 : x + 4] = (10, 220, 100 + 30 * number)
    return FilmedFrame(picture, (Face(FrameBox(200, 60, 60, 72), FrameLandmarks(POINTS), 1.0),))


@pytest.mark.parametrize("side", [36.0, 72.0, 140.0])
def test_faces_are_where_they_are_said_to_be(side: float) -> None:
    """Smaller, as large or larger, mirrored or not: box and landmarks lie on what was filmed."""
    random = np.random.default_rng(0)
    seen = 0
    for _ in range(30):
        frame = np.zeros((480, 640, 3), np.uint8)
        for box, landmarks in put_filmed(random, frame, filmed(), side):
            seen += 1
            assert box.height == pytest.approx(side)
            assert landmarks.points[0, 0] < landmarks.points[1, 0]
            bright = np.argwhere(frame[..., 1] > 150)
            if box.x >= 0 and box.x + box.width <= 640 and 0 <= box.y <= 480 - side:
                # Edges blend over a pixel of the film, that is `side` / 72 of the frame's.
                (y1, x1), (y2, x2) = bright.min(axis=0), bright.max(axis=0) + 1
                found, said = (x1, y1, x2, y2), (box.x, box.y, box.x + box.width, box.y + side)
                np.testing.assert_allclose(found, said, atol=1 + side / 72)
            for x, y in landmarks.points:
                if 1 < x < 638 and 1 < y < 478:
                    assert frame[round(y), round(x), 2] > 60
    assert seen > 10


def test_a_small_film_is_a_picture_in_the_scene() -> None:
    """What was there before stays around it."""
    frame = np.full((480, 640, 3), 7, np.uint8)
    put_filmed(np.random.default_rng(1), frame, filmed(), 36.0)
    # Half the size: 240 x 135 of 640 x 480 pixels, give or take an edge.
    assert (frame == 7).all(axis=2).mean() == pytest.approx(1 - 240 * 135 / (640 * 480), abs=0.01)


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    """As the camera loop says it."""
    with pytest.raises(FaceageError, match=r"none\.gif"):
        read_filmed([tmp_path / "none.gif"], load_detector("mtcnn", scheme="float32"))
