"""The finder's loss, by hand."""

import numpy as np
import pytest

from faceage_models.finder_loss import box_loss, focal_loss
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


@pytest.mark.parametrize(
    ("found", "wanted", "loss", "note"),
    [
        ([1, 1, 1, 1], [1, 1, 1, 1], 0.0, "equal boxes"),
        # Of 2 x 2 against 4 x 4: overlap 4 of 16, and the larger surrounds both.
        ([1, 1, 1, 1], [2, 2, 2, 2], 0.75, "within the other"),
        ([2, 1, 0, 1], [0, 1, 2, 1], 2 - 0 - 1, "side by side"),
        # As [0, 1, 1, 1], of half the area, and 0.5 for the negative distance.
        ([-0.5, 1, 1, 1], [1, 1, 1, 1], 0.5 + 0.5, "a negative distance"),
    ],
)
def test_box_loss_by_hand(found: list[float], wanted: list[float], loss: float, note: str) -> None:
    """One minus the generalised overlap of boxes around one point."""
    value = box_loss(np.array([found], np.float32), np.array([wanted], np.float32))
    assert float(np.asarray(value)[0]) == pytest.approx(loss, abs=1e-5), note
