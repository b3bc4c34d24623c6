"""The finder's loss, by hand."""

import numpy as np
import pytest

from faceage_models.finder_loss import apart, finder_loss, focal_loss
from faceage_models.finder_network import ANCHORS, grid_cells
from faceage_models.finder_targets import FACE, IGNORED, NO_FACE


def test_focal_loss_by_hand() -> None:
    """Half of the squared error times the cross entropy; nothing where it is ignored."""
    kinds = np.array([FACE, NO_FACE, FACE, IGNORED], np.float32)
    logits = np.array([0.0, 0.0, 4.0, -9.0], np.float32)
    found = np.asarray(focal_loss(logits, kinds))
    even = 0.5 * 0.25 * np.log(2)
    sure = 1 / (1 + np.exp(4.0))
    wanted = [even, even, 0.5 * sure**2 * np.log1p(np.exp(-4.0)), 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_the_box_loss_counts_faces_alone() -> None:
    """Smooth L1 of four numbers, square up to 1 and straight beyond; other anchors say what they
    like."""
    outputs, kinds, boxes = {}, {}, {}
    for stride, sides in ANCHORS.items():
        columns, rows = grid_cells(stride)
        shape = (1, rows, columns, len(sides))
        outputs[f"logits{stride}"] = np.full(shape, -20, np.float32)
        outputs[f"boxes{stride}"] = np.full((*shape[:3], 4 * len(sides)), 7, np.float32)
        kinds[stride] = np.full(shape, NO_FACE, np.float32)
        boxes[stride] = np.zeros((*shape, 4), np.float32)
    kinds[16][0, 2, 3, 1] = FACE
    outputs["logits16"][0, 2, 3, 1] = 20
    outputs["boxes16"][0, 2, 3, 4:] = (0.5, -3, 1, 1)
    boxes[16][0, 2, 3, 1] = (0, 0, 1, 1.2)
    focal, moved = finder_loss(outputs, kinds, boxes)
    assert float(focal) == pytest.approx(0, abs=1e-6)
    assert float(moved) == pytest.approx(0.5 * 0.25 + 2.5 + 0 + 0.5 * 0.04, rel=1e-5)


def test_apart_is_the_share_of_variance_that_is_missed() -> None:
    """0 for the teacher's own, 1 for its means, whatever its scale."""
    teacher = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32) * 9
    means = np.broadcast_to(teacher.mean(axis=(0, 1, 2)), teacher.shape)
    assert float(apart(teacher, teacher)) == 0
    assert float(apart(means, teacher)) == pytest.approx(1, rel=1e-5)
