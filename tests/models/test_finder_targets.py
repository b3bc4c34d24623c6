"""Which cells answer for which face."""

import numpy as np
import pytest

from faceage_edge.geometry import FrameBox
from faceage_models.finder_network import FINDER_SIZE, STRIDES
from faceage_models.finder_targets import FACE, IGNORED, NO_FACE, finder_targets


def test_an_empty_scene_has_no_face_anywhere() -> None:
    """All cells of the grids of strides 8, 16 and 32 say so."""
    targets = finder_targets([])
    assert {stride: one.kinds.shape for stride, one in targets.items()} == {
        8: (30, 40),
        16: (15, 20),
        32: (8, 10),
    }
    assert all((one.kinds == NO_FACE).all() and not one.boxes.any() for one in targets.values())


@pytest.mark.parametrize(
    ("side", "grids", "tolerant", "note"),
    [
        (12, {8}, set(), "a small face"),
        (33, {8, 16}, set(), "between two grids: both"),
        (50, {16}, {8, 32}, "near the ends of two others"),
        (120, {32}, {16}, "a large one"),
        (220, {32}, set(), "nearly the frame"),
        (5, set(), set(), "too small to be asked for"),
    ],
)
def test_faces_go_to_the_grids_of_their_size(
    side: float, grids: set[int], tolerant: set[int], note: str
) -> None:
    """Cells are positive where a grid answers for the size, ignored where it nearly does."""
    targets = finder_targets([FrameBox(160 - side / 2, 120 - side / 2, side, side)])
    for stride in STRIDES:
        kinds = targets[stride].kinds
        assert (kinds == FACE).any() == (stride in grids), (note, stride)
        if stride not in grids:
            assert (kinds == IGNORED).any() == (stride in tolerant), (note, stride)


def test_edges_are_distances_in_strides() -> None:
    """From every positive cell's middle the four distances give the box back."""
    box = FrameBox(101.0, 53.5, 30.0, 36.0)
    targets = finder_targets([box])
    for stride in (8, 16):
        rows, columns = np.nonzero(targets[stride].kinds == FACE)
        assert len(rows)
        for row, column in zip(rows, columns, strict=True):
            x, y = (column + 0.5) * stride, (row + 0.5) * stride
            left, top, right, bottom = targets[stride].boxes[row, column] * stride
            found = (x - left, y - top, x + right, y + bottom)
            assert found == pytest.approx((101.0, 53.5, 131.0, 89.5), abs=1e-4)


def test_a_face_partly_outside_keeps_a_cell() -> None:
    """The middle may lie in the outermost cell, or beyond it."""
    for box in (FrameBox(-20, 100, 30, 30), FrameBox(FINDER_SIZE[0] - 5, 100, 30, 30)):
        assert (finder_targets([box])[8].kinds == FACE).any()


def test_the_smaller_of_two_faces_has_the_cell() -> None:
    """A child's face before a parent's is not lost to the larger box."""
    small, large = FrameBox(150, 110, 28, 28), FrameBox(145, 105, 37, 37)
    both = finder_targets([small, large])[8]
    alone = finder_targets([small])[8]
    cells = alone.kinds == FACE
    np.testing.assert_array_equal(both.boxes[cells], alone.boxes[cells])
