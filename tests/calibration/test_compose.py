"""Composed scenes: faces where they are said to be, spoilt as they are said to be."""

from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_calibration.compose import SIZES, Scene, compose_scenes
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.pictures import MemorySource
from faceage_calibration.scene_filmed import FilmedFrame
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

Picture = npt.NDArray[np.uint8]

# Where the made-up face is in its chip of 60 x 60 pixels, and a frontal one's five points.
BOX = FrameBox(15.0, 12.0, 30.0, 36.0)
POINTS = np.array([[22, 25], [38, 25], [30, 33], [24, 41], [36, 41]], float)


def chip(number: int) -> Picture:
    """A grey square with a bright face, no two alike."""
    picture = np.full((60, 60, 3), 60 + number % 40, np.uint8)
    picture[12:48, 15:45] = (10, 220, 20 + number % 200)
    return picture


def face_set(count: int) -> FaceSet:
    """Faces in memory."""
    faces = tuple(
        LabelledFace(
            f"{n:04d}.png",
            f"{n:08x}" * 8,
            Label(),
            MemorySource(cv2.imencode(".png", chip(n))[1].tobytes()),
        )
        for n in range(count)
    )
    return FaceSet(Path("made-up"), "unlabelled", "chip", faces)


def find(_picture: Picture, digest: str) -> Face | None:
    """The made-up face; every tenth is not seen."""
    if int(digest[:8], 16) % 10 == 9:
        return None
    return Face(BOX, FrameLandmarks(POINTS), 1.0)


def scenes(count: int, *, seed: int = 0, width: int = 640, height: int = 480) -> list[Scene]:
    """All scenes of some faces."""
    return list(compose_scenes(face_set(count), find, seed=seed, width=width, height=height))


def test_every_face_that_is_seen_appears_once() -> None:
    """Faces the finder does not see are left out; no other is, or comes twice."""
    sources = [face.source for scene in scenes(60) for face in scene.faces]
    names = sorted(source.name for source in sources if source is not None)
    assert names == [f"{n:04d}.png" for n in range(60) if n % 10 != 9]


def test_frames_and_faces_have_the_sizes_asked_for() -> None:
    """Faces are SIZES high at 640 x 480, half of that at half the size."""
    for width, height, unit in ((640, 480, 1.0), (320, 240, 0.5)):
        made = scenes(80, width=width, height=height)
        sides = [face.box.height for scene in made for face in scene.faces]
        assert {scene.frame.shape for scene in made} == {(height, width, 3)}
        assert {scene.frame.dtype for scene in made} == {np.dtype(np.uint8)}
        assert min(sides) >= SIZES[0] * unit and max(sides) <= SIZES[1] * unit
        # Drawn evenly on a logarithmic scale: half of them below the geometric mean, 77 pixels.
        # The room that large faces need shifts that; a third is a loose bound for 72 faces.
        assert np.mean([side < 77 * unit for side in sides]) > 1 / 3


def test_faces_are_where_they_are_said_to_be() -> None:
    """In clean scenes the middle of a box that is not hidden has the face's own colour."""
    seen = 0
    for scene in scenes(150, seed=3):
        for face in scene.faces:
            if face.tags:
                continue
            x, y = (round(value - 0.5) for value in face.box.center)
            blue, green, _ = (int(value) for value in scene.frame[y, x])
            # Casts and compression move colours, but green stays far above blue; some scenes have
            # no colour at all.
            seen += green > blue + 40
            assert green > blue + 40 or abs(green - blue) < 8
    assert seen > 15


def test_landmarks_lie_in_their_boxes_and_keep_their_order() -> None:
    """Mirrored or leaning by up to 20 degrees, the left eye stays left of the right one."""
    for scene in scenes(100, seed=4):
        for face in scene.faces:
            box, points = face.box, face.landmarks.points
            assert (np.abs(points - box.center) < (box.width * 0.7, box.height * 0.7)).all()
            assert points[0, 0] < points[1, 0] and points[3, 0] < points[4, 0]


def test_faces_hardly_overlap() -> None:
    """Boxes are at least a tenth of their mean sides apart in one direction."""
    for scene in scenes(100, seed=5):
        for one, other in combinations([face.box for face in scene.faces], 2):
            (x, y), (other_x, other_y) = one.center, other.center
            assert (
                abs(x - other_x) >= 0.6 * (one.width + other.width) - 1e-9
                or abs(y - other_y) >= 0.6 * (one.height + other.height) - 1e-9
            )


def test_a_seed_makes_the_scenes() -> None:
    """The same seed gives the same pixels and boxes, another gives others."""
    first, again, other = (scenes(12, seed=seed) for seed in (1, 1, 2))
    assert len(first) == len(again)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.frame, two.frame)
        assert [face.box for face in one.faces] == [face.box for face in two.faces]
    assert (first[0].frame != other[0].frame).any()


def test_scenes_are_of_every_kind() -> None:
    """Some are empty, and each condition that has a tag occurs; profiles only where they are."""
    made = scenes(240, seed=6)
    tags = {tag for scene in made for face in scene.faces for tag in face.tags}
    assert tags == {"blur", "noise", "dark", "occluded", "cut"}
    empty = sum(not scene.faces for scene in made) / len(made)
    # One in ten by design, with a standard error of 0.03 for a hundred scenes.
    assert 0.02 < empty < 0.25


def test_a_face_that_is_cut_is_still_mostly_there() -> None:
    """The tag is given beyond a twentieth; a third of a box at most is outside on each side."""
    outside = []
    for scene in scenes(240, seed=7):
        for face in scene.faces:
            box = face.box
            over = max(
                -box.x / box.width,
                -box.y / box.height,
                (box.x + box.width - 640) / box.width,
                (box.y + box.height - 480) / box.height,
            )
            assert ("cut" in face.tags) == (over > 0.05 + 1e-9)
            outside.append(over)
    assert 0.05 < max(outside) <= 0.35 + 1e-9


def test_given_backgrounds_are_used() -> None:
    """A picture given as background fills most of the frames, in part and scaled."""
    wall = np.full((300, 500, 3), (200, 10, 10), np.uint8)
    made = compose_scenes(face_set(120), find, seed=8, backgrounds=[wall])
    shares = [float((scene.frame.argmax(axis=2) == 0).mean()) for scene in made]
    assert any(share > 0.6 for share in shares)


def test_a_frame_can_be_too_small() -> None:
    """Below 160 x 120 no face of the range would fit its pixels."""
    with pytest.raises(ValueError, match="expected 160 x 120 at least"):
        next(iter(compose_scenes(face_set(3), find, width=100, height=100)))


def test_scenes_differ_from_each_other() -> None:
    """The generator goes on, it does not start again."""
    made = scenes(30, seed=9)
    assert all((one.frame != two.frame).any() for one, two in pairwise(made))


def test_filmed_frames_are_shown_now_and_then() -> None:
    """Their faces come without a source, where the picture has them, and nothing covers them."""
    picture = np.full((270, 480, 3), 128, np.uint8)
    picture[60:132, 200:260] = (10, 220, 20)
    face = Face(FrameBox(200, 60, 60, 72), FrameLandmarks(POINTS + (200, 60)), 1.0)
    made = list(compose_scenes(face_set(400), find, seed=2, filmed=[FilmedFrame(picture, (face,))]))
    shown = [(scene, one) for scene in made for one in scene.faces if one.source is None]
    # One scene in eight by design; a hundred scenes and more.
    assert 0.04 < len(shown) / len(made) < 0.25
    for scene, one in shown:
        assert one.box.width / one.box.height == pytest.approx(60 / 72)
        x, y = (round(value - 0.5) for value in one.box.center)
        blue, green, _ = (int(value) for value in scene.frame[y, x])
        # Dark scenes and those without colour excepted, green stays far above blue.
        assert green > blue + 20 or abs(green - blue) < 20
        for other in scene.faces:
            if other is not one:
                apart = np.abs(np.array(one.box.center) - other.box.center)
                sides = np.array(
                    [one.box.width + other.box.width, one.box.height + other.box.height]
                )
                assert (apart >= 0.6 * sides - 1e-9).any()
