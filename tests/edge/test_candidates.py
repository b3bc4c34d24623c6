"""Boxes on their way through a detector."""

import numpy as np
import pytest

from faceage_edge.candidates import Candidates, moved, snapped, squared, usual_min_face


def test_squares_and_shifts_by_hand() -> None:
    """A box grows around its centre to its longer side; offsets are shares of the sides."""
    boxes = np.array([[0.0, 10.0, 20.0, 20.0], [0.0, 0.0, 4.0, 8.0]])
    np.testing.assert_array_equal(squared(boxes), [[0, 5, 20, 25], [-2, 0, 6, 8]])
    shifted = moved(boxes, np.array([[0.1, 0, -0.1, 0.5], [0, 0, 0, 0]]))
    np.testing.assert_allclose(shifted, [[2, 10, 18, 25], [0, 0, 4, 8]])
    assert squared(np.empty((0, 4))).shape == (0, 4)


def test_some_of_them() -> None:
    """Chosen by index or by mask."""
    three = Candidates(np.arange(12.0).reshape(3, 4), np.array([1.0, 2.0, 3.0]))
    assert three.pick(np.array([2, 0])).logits.tolist() == [3, 1]
    assert three.pick(three.logits > 1.5).boxes[0].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("height", "width", "least", "note"),
    [(480, 640, 40, "a usual camera"), (100, 90, 20, "a small frame"), (1080, 1920, 90, "HD")],
)
def test_the_smallest_usual_face(height: int, width: int, least: float, note: str) -> None:
    """A twelfth of the shorter side, and never below 20 pixels."""
    assert usual_min_face(np.zeros((height, width, 3), np.uint8)) == least, note


def test_squares_snap_to_pixels_and_stay_squares() -> None:
    """Corners and side are rounded, halves to the even number; one pixel at least remains."""
    squares = np.array([[0.4, 9.6, 20.0, 29.2], [-2.6, 0.5, -2.5, 0.6]])
    np.testing.assert_array_equal(snapped(squares), [[0, 10, 20, 30], [-3, 0, -2, 1]])
