"""Further looks at scenes: boxes go where their faces go."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from faceage_calibration.compose import PastedFace, Scene
from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_models.scene_looks import cropped, looks_at, mirrored


def scene(*boxes: FrameBox) -> Scene:
    """A grey frame with bright boxes, each a face."""
    frame = np.full((240, 320, 3), 60, np.uint8)
    faces = []
    for box in boxes:
        x, y = max(round(box.x), 0), max(round(box.y), 0)
        frame[y : round(box.y + box.height), x : round(box.x + box.width)] = 200
        points = np.tile(np.array(box.center) - 0.5, (5, 1))
        faces.append(PastedFace(None, box, FrameLandmarks(points), frozenset()))
    return Scene(frame, tuple(faces))


def bright(shown: Scene) -> tuple[float, ...]:
    """Left, top, right and bottom edge of what is bright."""
    rows, columns = np.nonzero(shown.frame[..., 0] > 130)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def edges(box: FrameBox) -> tuple[float, ...]:
    """Left, top, right and bottom edge of a box."""
    return box.x, box.y, box.x + box.width, box.y + box.height


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.3, 0.9)])
def test_boxes_and_landmarks_follow_a_crop(scale: float, place: tuple[float, float]) -> None:
    """To a pixel, larger or smaller, and so they do in the mirror."""
    found = cropped(mirrored(scene(FrameBox(130, 90, 40, 50))), scale, place)
    assert found is not None and found.frame.shape == (240, 320, 3)
    (face,) = found.faces
    assert edges(face.box) == pytest.approx(bright(found), abs=1)
    np.testing.assert_allclose(face.landmarks.points[2], np.array(face.box.center) - 0.5)


@pytest.mark.parametrize(
    ("x", "faces", "note"),
    [
        (100.0, 1, "within"),
        (290.0, 0, "gone: a crop of the left four fifths ends at 256"),
        (240.0, None, "two fifths of it seen: neither a face nor none"),
        (228.0, 1, "seven tenths"),
    ],
)
def test_no_face_is_cut_in_half(x: float, faces: int | None, note: str) -> None:
    """A crop that would leave a face half in the frame is not made."""
    found = cropped(scene(FrameBox(x, 100, 40, 40)), 1.25, (0.0, 0.0))
    assert (None if found is None else len(found.faces)) == faces, note


def test_a_face_that_was_cut_before_may_stay_so() -> None:
    """Smaller, it is no worse than it was."""
    found = cropped(scene(FrameBox(-20, 100, 40, 40)), 0.8, (0.5, 0.5))
    assert found is not None and len(found.faces) == 1


def test_every_scene_is_shown_as_often_as_told() -> None:
    """As often as told, apart from those that still wait."""
    made: list[Scene] = []

    def compose() -> Iterator[Scene]:
        while True:
            made.append(scene())
            yield made[-1]

    looks = list(islice(looks_at(compose(), 4, np.random.default_rng(1)), 8000))
    assert len(looks) == 8000
    assert len(made) == pytest.approx((8000 + 3 * 512) / 4, abs=300)
