"""Composed scenes."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from faceage_calibration.compose import compose_scenes
from faceage_calibration.faces import FaceSet
from faceage_calibration.labels import Label
from faceage_edge.geometry import FrameBox

MakeSet = Callable[..., FaceSet]


def _apart(one: FrameBox, other: FrameBox) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def test_scenes_show_every_face_once(face_set: MakeSet) -> None:
    """All faces are used in order, in scenes of one to six whose boxes lie apart in the frame."""
    faces = face_set(*[Label()] * 40)
    scenes = list(compose_scenes(faces, seed=1))
    assert [face.name for scene in scenes for face in scene.faces] == [
        face.name for face in faces.faces
    ]
    for scene in scenes:
        assert (scene.frame.shape, scene.frame.dtype) == ((480, 640, 3), np.uint8)
        assert 1 <= len(scene.boxes) == len(scene.faces) == len(scene.landmarks) <= 6
        assert all(_apart(*pair) for pair in combinations(scene.boxes, 2))
        for box in scene.boxes:
            assert box.width == box.height and 20 <= box.width <= 300
            assert box.x >= 0 and box.y >= 0
            assert box.x + box.width <= 640 and box.y + box.height <= 480


def test_boxes_are_where_the_faces_are(face_set: MakeSet) -> None:
    """Where nothing spoils a scene, a box holds its face's own colour, and little else does."""
    faces = face_set(*[Label()] * 60)
    clean = 0
    for scene in compose_scenes(faces, seed=2):
        box, face = scene.boxes[0], scene.faces[0]
        left, top, side = int(box.x), int(box.y), int(box.width)
        inside = scene.frame[top : top + side, left : left + side]
        clean += bool((inside == face.picture()[0, 0]).all())
    # Two thirds each stay sharp, bright and free of noise: (2/3)^3 = 0.3 of the scenes.
    assert clean >= 3


def test_landmarks_lie_in_their_boxes(face_set: MakeSet) -> None:
    """Landmarks are in frame pixels, within the face's box."""
    for scene in compose_scenes(face_set(*[Label()] * 12), seed=3):
        for box, landmarks in zip(scene.boxes, scene.landmarks, strict=True):
            assert (landmarks.points > (box.x, box.y)).all()
            assert (landmarks.points < (box.x + box.width, box.y + box.height)).all()


def test_a_seed_makes_the_scene(face_set: MakeSet) -> None:
    """The same seed gives the same pixels, another gives others."""
    faces = face_set(*[Label()] * 5)
    first, again, other = (
        np.stack([scene.frame for scene in compose_scenes(faces, seed=seed)])[0]
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_given_backgrounds_are_used(face_set: MakeSet) -> None:
    """Pictures given as backgrounds fill some of the frames, and stay as they were."""
    background = np.full((30, 40, 3), (1, 250, 3), np.uint8)
    scenes = compose_scenes(face_set(*[Label()] * 60), seed=4, backgrounds=[background])
    shares = [float((scene.frame == (1, 250, 3)).all(axis=2).mean()) for scene in scenes]
    assert max(shares) > 0.5
    assert (background == (1, 250, 3)).all()


def test_a_frame_that_cannot_hold_a_face_is_refused(face_set: MakeSet) -> None:
    """A frame smaller than the largest face is a mistake of the caller."""
    with pytest.raises(ValueError, match="299 x 480"):
        next(compose_scenes(face_set(Label()), width=299))
