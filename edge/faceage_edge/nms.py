"""Non-maximum suppression on boxes given as corners."""

import numpy as np
import numpy.typing as npt

__all__ = ["overlap", "suppress"]

Boxes = npt.NDArray[np.float64]

# Boxes compared with each other at once: nearly all of a frame's, and few enough that thousands of
# a cascade's first stage need no memory of their square.
_BLOCK = 64


def overlap(box: Boxes, others: Boxes) -> Boxes:
    """Overlap of one box with others, by their union.

    Args:
        box: float64 (4,), x1, y1, x2, y2.
        others: float64 (n, 4).

    Returns:
        float64 (n,), 0 to 1.
    """
    (shares,) = _shares(box[None], others)
    return np.asarray(shares)


def suppress(boxes: Boxes, scores: Boxes, threshold: float) -> npt.NDArray[np.intp]:
    """Keep the strongest of boxes that overlap.

    Args:
        boxes: float64 (n, 4), x1, y1, x2, y2.
        scores: float64 (n,); equal scores keep their order, so results repeat.
        threshold: overlap above which the weaker box goes.

    Returns:
        Indices of the kept boxes, strongest first.
    """
    left = np.argsort(-scores, kind="stable")
    kept = [left[:0]]
    while left.size:
        block, left = left[:_BLOCK], left[_BLOCK:]
        own = boxes[block]
        strongest = _strongest(_shares(own, own) <= threshold)
        kept.append(block[strongest])
        if left.size:
            shares = _shares(own[strongest], boxes[left])
            left = left[(shares <= threshold).all(axis=0)]
    return np.asarray(np.concatenate(kept), dtype=np.intp)


def _strongest(apart: npt.NDArray[np.bool_]) -> list[int]:
    """Go through boxes from the strongest on: each that is left removes those not apart from it."""
    left = np.ones(len(apart), bool)
    kept = []
    for index, row in enumerate(apart):
        if left[index]:
            kept.append(index)
            left &= row
    return kept


def _shares(some: Boxes, others: Boxes) -> Boxes:
    """Overlap of each with each, float64 (n, m)."""
    # By columns: arrays whose last axis has two numbers are many times slower.
    left, top, right, bottom = some.T
    others_left, others_top, others_right, others_bottom = others.T
    width = np.minimum.outer(right, others_right) - np.maximum.outer(left, others_left)
    height = np.minimum.outer(bottom, others_bottom) - np.maximum.outer(top, others_top)
    shared = np.maximum(width, 0, out=width) * np.maximum(height, 0, out=height)
    areas = (right - left) * (bottom - top)
    others_areas = (others_right - others_left) * (others_bottom - others_top)
    whole = np.add.outer(areas, others_areas) - shared
    return np.asarray(shared / np.maximum(whole, 1e-9))
