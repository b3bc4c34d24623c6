"""Following faces with one small network: what keeps a box on its face, and when it is given up."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.detector import Detector, load_detector
from faceage_edge.follow import follow, is_plausible, predicted
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

Frame = npt.NDArray[np.uint8]
DETECTORS = pytest.mark.parametrize("name", ["mtcnn", "face-finder"])
SIDE = 110


@lru_cache(maxsize=2)
def detector(name: str) -> Detector:
    """A shipped detector."""
    return load_detector(name)


def scene(astronaut: Frame, *places: tuple[float, float], side: int = SIDE) -> Frame:
    """A wall with the astronaut's head at some centres, later ones before earlier ones."""
    frame = np.full((480, 640, 3), (90, 110, 120), np.uint8)
    head = cv2.resize(astronaut[30:230, 130:330], (side, side), interpolation=cv2.INTER_AREA)
    for x, y in places:
        left, top = round(x - side / 2), round(y - side / 2)
        inside = (max(left, 0), max(top, 0), min(left + side, 640), min(top + side, 480))
        if inside[0] < inside[2] and inside[1] < inside[3]:
            frame[inside[1] : inside[3], inside[0] : inside[2]] = head[
                inside[1] - top : inside[3] - top, inside[0] - left : inside[2] - left
            ]
    return frame


def found(name: str, frame: Frame) -> list[Face]:
    """The faces of a full pass, from left to right."""
    return sorted(detector(name).detect(frame), key=lambda face: face.box.x)


@DETECTORS
def test_a_moving_face_is_followed(name: str, astronaut: Frame) -> None:
    """Over 30 frames of 6 pixels each the box stays with the face, and is never given up."""
    (face,) = found(name, scene(astronaut, (150, 200)))
    for step in range(1, 31):
        frame = scene(astronaut, (150 + 6 * step, 200 + 2 * step))
        result = follow(detector(name).aligner, frame, [face])
        (now,) = result.faces
        assert now is not None and not result.needs_pass, step
        face = now
    (truth,) = found(name, frame)
    # A fifteenth of the box: what one pass differs from the next.
    assert np.abs(np.subtract(face.box.center, truth.box.center)).max() < truth.box.width / 15


@DETECTORS
def test_crossing_faces_never_share_a_box(name: str, astronaut: Frame) -> None:
    """Two faces walk through each other: one is given up, as lost or merged, and a pass is due."""
    faces: list[Face | None] = list(found(name, scene(astronaut, (180, 200), (460, 210))))
    assert len(faces) == 2
    reasons = []
    for step in range(1, 48):
        frame = scene(astronaut, (180 + 6 * step, 200), (460 - 6 * step, 210))
        alive = [face for face in faces if face is not None]
        result = follow(detector(name).aligner, frame, alive)
        reasons += [why for why in result.lost if why]
        faces = list(result.faces)
        boxes = [face.box for face in faces if face is not None]
        if len(boxes) == 2:
            (x, _), (other, _) = boxes[0].center, boxes[1].center
            assert abs(x - other) > boxes[0].width / 4
    assert reasons and set(reasons) <= {"merged", "score", "geometry", "scale"}
    assert len([face for face in faces if face is not None]) <= 1


@DETECTORS
def test_a_face_that_leaves_is_given_up(name: str, astronaut: Frame) -> None:
    """Half out of the frame it may go; once it is gone, it is."""
    (face,) = found(name, scene(astronaut, (560, 240)))
    faces: list[Face] = [face]
    for step in range(1, 30):
        result = follow(detector(name).aligner, scene(astronaut, (560 + 8 * step, 240)), faces)
        if result.needs_pass:
            break
        faces = [one for one in result.faces if one is not None]
    assert result.faces == (None,) and result.lost[0] in ("score", "geometry", "scale")


@DETECTORS
def test_a_cut_to_an_empty_scene_gives_everything_up(name: str, astronaut: Frame) -> None:
    """Nothing of the old scene lives on in the new one."""
    faces = found(name, scene(astronaut, (180, 200), (460, 210)))
    result = follow(detector(name).aligner, scene(astronaut), faces)
    assert result.faces == (None, None) and result.needs_pass


@DETECTORS
def test_a_face_that_comes_nearer_is_followed(name: str, astronaut: Frame) -> None:
    """From 110 to 200 pixels and back, a twentieth a frame."""
    side = 110.0
    (face,) = found(name, scene(astronaut, (320, 240), side=110))
    for step in range(24):
        side *= 1.05 if step < 12 else 1 / 1.05
        result = follow(
            detector(name).aligner, scene(astronaut, (320, 240), side=round(side)), [face]
        )
        (now,) = result.faces
        assert now is not None, (step, result.lost)
        face = now


def points(*, eyes: float = 40, mouth: float = 40, x: float = 50, y: float = 50) -> Face:
    """A face of 100 x 100 whose landmarks have an eye distance, a mouth height and a middle."""
    half = eyes / 2
    rows = [(x - half, y - mouth / 2), (x + half, y - mouth / 2), (x, y)]
    rows += [(x - half * 0.8, y + mouth / 2), (x + half * 0.8, y + mouth / 2)]
    return Face(FrameBox(0, 0, 100, 100), FrameLandmarks(np.array(rows, float)), 0.9)


@pytest.mark.parametrize(
    ("face", "plausible", "note"),
    [
        (points(), True, "a face"),
        (points(eyes=15), False, "eyes together"),
        (points(eyes=90), False, "eyes beyond the head"),
        (points(eyes=-40), False, "left and right changed"),
        (points(mouth=5), False, "the mouth between the eyes"),
        (points(mouth=-40), False, "upside down"),
        (points(x=85), False, "beside its box"),
        (Face(FrameBox(0, 0, 0, 10), points().landmarks, 1.0), False, "a box of no width"),
    ],
)
def test_plausible_landmarks(face: Face, plausible: bool, note: str) -> None:
    """Landmarks of an upright face in its box, and others."""
    assert is_plausible(face) == plausible, note


def test_a_jump_in_size_is_not_believed(astronaut: Frame) -> None:
    """A face half as large in the same place is somebody else's, or a box that slipped."""
    (face,) = found("face-finder", scene(astronaut, (320, 240), side=200))
    small = Face(FrameBox(320 - 20, 240 - 25, 40, 50), face.landmarks, 0.9)
    result = follow(
        detector("face-finder").aligner, scene(astronaut, (320, 240), side=200), [small], [face.box]
    )
    assert result.lost == ("scale",)


def test_the_next_box_goes_on() -> None:
    """The last box, moved by the last step."""
    one, two = points(), Face(FrameBox(10, 4, 100, 100), points().landmarks, 0.9)
    assert predicted(one, two) == FrameBox(20, 8, 100, 100)


def test_no_faces_need_no_pass(astronaut: Frame) -> None:
    """Nothing to follow is nothing lost."""
    result = follow(detector("mtcnn").aligner, astronaut, [])
    assert result.faces == () and not result.needs_pass
