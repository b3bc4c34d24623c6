"""Annotated frames: everything is drawn, inside, legible, and on a copy."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.annotate import annotated, label
from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_edge.result import FrameResult
from faceage_edge.tracking import TrackedFace

Picture = npt.NDArray[np.uint8]
GREY = 128


def tracked(x: float, y: float, side: float, *, track: int = 1, age: float = 34.4) -> TrackedFace:
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    return TrackedFace(
        track=track,
        box=FrameBox(x, y, side, side),
        landmarks=FrameLandmarks(shares * side + [x, y]),
        score=0.9,
        age=age,
        age_low=28.2,
        age_high=41.4,
    )


def dark(drawn: Picture) -> npt.NDArray[np.bool_]:
    """Where a label's backing is: bool (height, width)."""
    return np.asarray(drawn.max(axis=2) < 40)


def result(*faces: TrackedFace) -> FrameResult:
    return FrameResult(0, 0.0, 0.0, faces)


def frame(height: int, width: int) -> Picture:
    return np.full((height, width, 3), GREY, np.uint8)


def test_a_label_says_who_how_old_and_how_sure() -> None:
    """Whole years, the interval where there is one, and gender where it is asked for."""
    face = tracked(0, 0, 50)
    assert label(face) == "#1: 34 (28-41)"
    without = TrackedFace(12, face.box, face.landmarks, 0.9, 7.6, None, None)
    assert label(without) == "#12: 8"
    assert label(replace(face, gender=("female", 0.876))) == "#1: 34 (28-41), female 88%"


def test_the_frame_itself_is_unchanged() -> None:
    """Drawing happens on a copy of the same size."""
    picture = frame(240, 320)
    drawn = annotated(picture, result(tracked(100, 80, 60)))
    assert drawn.shape == picture.shape
    assert (picture == GREY).all()
    assert not (drawn == GREY).all()


def test_box_and_landmarks_are_where_the_face_is() -> None:
    """The box's edge and each landmark carry the track's colour."""
    face = tracked(100, 80, 60)
    drawn = annotated(frame(240, 320), result(face))
    colour = (0, 159, 230)
    # Edges are smoothed, so the outline's own pixels come near the colour only.
    assert drawn[110, 100].tolist() == pytest.approx(colour, abs=25)
    for x, y in face.landmarks.points.round().astype(int):
        assert drawn[y, x].tolist() == list(colour)


@pytest.mark.parametrize(
    ("height", "width", "face", "note"),
    [
        (240, 320, tracked(100, 0, 60), "at the top edge, no room above"),
        (240, 320, tracked(290, 100, 60), "beyond the right edge"),
        (240, 320, tracked(-40, 200, 60), "beyond the lower left corner"),
        (240, 320, tracked(-20, -20, 400), "larger than the frame"),
        (240, 320, tracked(900, 900, 50), "wholly outside"),
        (2160, 3840, tracked(1000, 900, 300), "a large frame"),
        (48, 48, tracked(4, 4, 40), "a frame no wider than a label"),
        (3, 5, tracked(1, 1, 2), "a frame smaller than a letter"),
    ],
)
def test_labels_stay_inside_the_frame(
    height: int, width: int, face: TrackedFace, note: str
) -> None:
    """Wherever the face is, its label's dark backing and white letters are in the frame."""
    drawn = annotated(frame(height, width), result(face))
    assert drawn.shape == (height, width, 3), note
    assert dark(drawn).any(), note
    if width > 8:
        assert (drawn.min(axis=2) > 200).any(), note


@pytest.mark.parametrize(
    ("height", "width", "note"),
    [(240, 320, "a small frame"), (1080, 1920, "full HD"), (2160, 3840, "4K")],
)
def test_letters_grow_with_the_frame(height: int, width: int, note: str) -> None:
    """A label takes between 2 and 8 percent of the frame's height at every size."""
    face = tracked(width * 0.4, height * 0.5, height * 0.2)
    drawn = annotated(frame(height, width), result(face))
    rows = np.flatnonzero(dark(drawn).any(axis=1))
    assert 0.02 < (rows[-1] - rows[0] + 1) / height < 0.08, note


def test_labels_keep_off_each_other_and_off_faces() -> None:
    """Two faces side by side have two whole labels, and both faces are seen."""
    one, other = tracked(60, 100, 40), tracked(104, 100, 40, track=2)
    alone = dark(annotated(frame(240, 320), result(one))).sum()
    backing = dark(annotated(frame(240, 320), result(one, other)))
    assert backing.sum() > 1.9 * alone
    assert not backing[104:136, 64:96].any()
    assert not backing[104:136, 108:140].any()
