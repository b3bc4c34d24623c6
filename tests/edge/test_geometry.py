"""Boxes and the similarity that brings landmarks onto a template."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.geometry import (
    CropTemplate,
    FrameBox,
    FrameLandmarks,
    Similarity,
    covered,
    iou,
    similarity,
)

Points = npt.NDArray[np.float64]

# A face as ArcFace's template draws it, rounded.
POINTS = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
TEMPLATE = CropTemplate(112, 112, POINTS)

# Degrees, scale (frame pixels per template pixel), shift, note.
MOVES: list[tuple[float, float, tuple[float, float], str]] = [
    (0, 1.0, (0, 0), "nothing"),
    (0, 1.0, (17.25, -400.5), "shifted, far outside"),
    (0, 3.7, (5, 9), "larger"),
    (0, 0.11, (5, 9), "tiny"),
    (30, 1.0, (0, 0), "head tilted"),
    (-90, 2.0, (100, 100), "a camera on its side"),
    (180, 1.0, (640, 480), "upside down"),
    (137.5, 0.4, (-3, 8), "all at once"),
    (1e-7, 1e3, (1e5, -1e5), "a face as large as a house"),
]


def moved(points: Points, degrees: float, scale: float, shift: tuple[float, float]) -> Points:
    """Turn, scale and shift points."""
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(points @ (scale * rotation).T + np.array(shift))


@pytest.mark.parametrize(("degrees", "scale", "shift", "note"), MOVES)
def test_a_moved_template_is_found_exactly(
    degrees: float, scale: float, shift: tuple[float, float], note: str
) -> None:
    """Landmarks that are the template, turned, scaled and shifted, come back onto it."""
    landmarks = moved(POINTS, degrees, scale, shift)
    found = similarity(FrameLandmarks(landmarks), TEMPLATE)
    np.testing.assert_allclose(found.apply(landmarks), POINTS, atol=1e-7)
    assert found.scale == pytest.approx(1 / scale, rel=1e-9)
    turn = np.rad2deg(np.arctan2(found.matrix[1, 0], found.matrix[0, 0]))
    assert (turn + degrees + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_it_is_the_least_squares_optimum() -> None:
    """On landmarks that fit no similarity, it equals numpy's solution of the same equations."""
    chance = np.random.default_rng(5)
    for _ in range(50):
        landmarks = moved(POINTS, chance.uniform(-180, 180), chance.uniform(0.2, 5), (30, 40))
        landmarks += chance.normal(0, 4, landmarks.shape)
        x, y = landmarks.T
        one, zero = np.ones(5), np.zeros(5)
        # target x = a x - b y + c, target y = b x + a y + d
        equations = np.concatenate(
            [np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)]
        )
        a, b, c, d = np.linalg.lstsq(equations, POINTS.T.ravel(), rcond=None)[0]
        found = similarity(FrameLandmarks(landmarks), TEMPLATE)
        np.testing.assert_allclose(found.matrix, [[a, -b, c], [b, a, d]], atol=1e-9)


def test_it_never_mirrors() -> None:
    """Mirrored landmarks give a rotation and a smaller scale, not a reflection."""
    found = similarity(FrameLandmarks(POINTS * [-1, 1]), TEMPLATE)
    assert np.linalg.det(found.matrix[:, :2]) >= 0
    assert found.scale < 1


@pytest.mark.parametrize("place", [0.0, 55.5, -3e6])
def test_landmarks_in_one_point(place: float) -> None:
    """They have no size: their point comes to the template's middle at scale 1, unturned."""
    landmarks = np.full((5, 2), place)
    found = similarity(FrameLandmarks(landmarks), TEMPLATE)
    np.testing.assert_array_equal(found.matrix[:, :2], np.eye(2))
    np.testing.assert_allclose(found.apply(landmarks[:1])[0], POINTS.mean(axis=0), atol=1e-6)


def test_apply_and_scale_by_hand() -> None:
    """crop = matrix[:, :2] @ frame + matrix[:, 2]."""
    transform = Similarity(np.array([[0.0, -2.0, 10.0], [2.0, 0.0, 20.0]]))
    np.testing.assert_array_equal(
        transform.apply(np.array([[1.0, 0.0], [0.0, 1.0]])), [[10, 22], [8, 20]]
    )
    assert transform.scale == 2.0


def test_boxes() -> None:
    """Centre and area, also of a box that reaches beyond the frame."""
    box = FrameBox(-10.0, 20.0, 40.0, 10.0)
    assert (box.center, box.area) == ((10.0, 25.0), 400.0)


@pytest.mark.parametrize(
    ("other", "of_union", "of_smaller", "note"),
    [
        (FrameBox(0, 0, 10, 10), 1.0, 1.0, "the same"),
        (FrameBox(5, 0, 10, 10), 1 / 3, 0.5, "moved by half a side"),
        (FrameBox(10, 0, 10, 10), 0.0, 0.0, "edge to edge"),
        (FrameBox(20, 20, 10, 10), 0.0, 0.0, "apart both ways"),
        (FrameBox(2, 2, 5, 5), 0.25, 1.0, "within"),
        (FrameBox(0, 0, 0, 0), 0.0, 0.0, "nothing"),
    ],
)
def test_overlaps(other: FrameBox, of_union: float, of_smaller: float, note: str) -> None:
    """Of the union and of the smaller, symmetric."""
    box = FrameBox(0, 0, 10, 10)
    for one, two in ((box, other), (other, box)):
        assert iou(one, two) == pytest.approx(of_union), note
        assert covered(one, two) == pytest.approx(of_smaller), note


def test_a_box_of_its_corners() -> None:
    """Sides are what lies between."""
    assert FrameBox.of_corners(10, 20, 40, 70) == FrameBox(10, 20, 30, 50)


def test_a_box_is_squared_around_its_middle() -> None:
    """The longer side stays."""
    assert FrameBox(10, 20, 30, 50).squared == FrameBox(0, 20, 50, 50)
    assert FrameBox(10, 20, 50, 30).squared == FrameBox(10, 10, 50, 50)
