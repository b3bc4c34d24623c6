"""Which anchors answer for which face."""

import numpy as np
import pytest

from faceage_edge.geometry import FrameBox
from faceage_models.finder_network import ANCHORS, FINDER_SIZE, STRIDES, finder_anchors
from faceage_models.finder_targets import FACE, IGNORED, NO_FACE, anchor_boxes, finder_targets


def centred(side: float) -> FrameBox:
    """A square face around the middle of the input's middle cells."""
    return FrameBox(164 - side / 2, 124 - side / 2, side, side)


def test_an_empty_scene_has_no_face_anywhere() -> None:
    """All anchors of the grids of strides 8, 16, 32 and 64 say so."""
    targets = finder_targets([])
    assert {stride: one.kinds.shape for stride, one in targets.items()} == {
        8: (30, 40, 2),
        16: (15, 20, 2),
        32: (8, 10, 2),
        64: (4, 5, 3),
    }
    assert all((one.kinds == NO_FACE).all() and not one.boxes.any() for one in targets.values())


@pytest.mark.parametrize(
    ("side", "answering", "note"),
    [
        (12, {(8, 16.0)}, "smaller than any anchor"),
        (24, {(8, 24.0)}, "an anchor's own size"),
        (50, {(16, 48.0)}, "nearly another's"),
        (200, {(64, 192.0), (64, 256.0)}, "between two: both"),
    ],
)
def test_faces_go_to_the_anchors_of_their_size(
    side: float, answering: set[tuple[int, float]], note: str
) -> None:
    """Those that overlap the face most stand for it; in one grid or two."""
    targets = finder_targets([centred(side)])
    found = {
        (stride, ANCHORS[stride][k])
        for stride in STRIDES
        for k in np.unique(np.nonzero(targets[stride].kinds == FACE)[2])
    }
    assert answering <= found, note
    largest, smallest = max(side for _, side in found), min(side for _, side in found)
    assert smallest * 2.3 > side > largest / 2.3 or side < 16, note


def test_a_face_too_small_to_be_asked_for_is_ignored() -> None:
    """Neither found nor missed: the anchor that is nearest to it may say what it likes."""
    targets = finder_targets([centred(6)])
    assert not any((one.kinds == FACE).any() for one in targets.values())
    assert (targets[8].kinds == IGNORED).any()


def test_between_standing_and_beside_anything_is_right() -> None:
    """A neighbour that overlaps a third is ignored, one further off is not."""
    kinds = finder_targets([FrameBox(156, 116, 16, 16)])[8].kinds
    # Anchors of 16 pixels: on the face (column 20 is centred at 164), half a side beside it, and
    # more than a whole one.
    own = kinds[15, :, 0]
    assert [own[i] for i in (20, 19, 21, 22, 23)] == [FACE, IGNORED, IGNORED, NO_FACE, NO_FACE]


def test_numbers_give_the_box_back() -> None:
    """Decoded as the contract says, every standing anchor's numbers are the face's box."""
    box = FrameBox(101.0, 53.5, 30.0, 36.0)
    targets, anchors = finder_targets([box]), finder_anchors()
    decoded = 0
    for grid in anchors.grids:
        target = targets[int(grid.stride[0])]
        for row, column, k in np.argwhere(target.kinds == FACE):
            values, side = target.boxes[row, column, k], grid.sides[k][0]
            middle = (np.array([column, row]) + anchors.offset) * grid.stride
            middle = middle + values[:2] * anchors.centre_step * side
            half = side * np.exp(values[2:] * anchors.side_step) / 2
            found = np.concatenate([middle - half, middle + half])
            np.testing.assert_allclose(found, (101.0, 53.5, 131.0, 89.5), atol=1e-4)
            decoded += 1
    assert decoded


def test_a_face_partly_outside_keeps_an_anchor() -> None:
    """The middle may lie in the outermost cell, or beyond it."""
    for box in (FrameBox(-20, 100, 30, 30), FrameBox(FINDER_SIZE[0] - 5, 100, 30, 30)):
        assert any((one.kinds == FACE).any() for one in finder_targets([box]).values())


def test_the_smaller_of_two_faces_has_the_anchor() -> None:
    """A child's face before a parent's is not lost to the larger box."""
    small, large = FrameBox(150, 110, 28, 28), FrameBox(145, 105, 37, 37)
    both = finder_targets([small, large])[8]
    alone = finder_targets([small])[8]
    cells = alone.kinds == FACE
    assert cells.any()
    np.testing.assert_array_equal(both.boxes[cells], alone.boxes[cells])


def test_anchors_are_as_many_as_the_contracts() -> None:
    """Row by row, a cell's together, in the order in which the device reads them."""
    boxes = anchor_boxes()
    assert len(boxes) == sum(grid.count for grid in finder_anchors().grids)
    np.testing.assert_array_equal(boxes[:3], [[4, 4, 16], [4, 4, 24], [12, 4, 16]])
