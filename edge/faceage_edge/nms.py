"""Non-maximum suppression on boxes given as corners."""

import numpy as np
import numpy.typing as npt

__all__ = ["overlap", "suppress"]

Boxes = npt.NDArray[np.float64]


def overlap(box: Boxes, others: Boxes, *, of_smaller: bool = False) -> Boxes:
    """Overlap of one box with others.

    Args:
        box: float64 (4,), x1, y1, x2, y2.
        others: float64 (n, 4).
        of_smaller: divide by the smaller box's area instead of the union's.

    Returns:
        float64 (n,), 0 to 1.
    """
    return _shares(box, others, _area(box[None])[0], _area(others), of_smaller=of_smaller)


def suppress(
    boxes: Boxes, scores: Boxes, threshold: float, *, of_smaller: bool = False
) -> npt.NDArray[np.intp]:
    """Keep the strongest of boxes that overlap.

    Args:
        boxes: float64 (n, 4), x1, y1, x2, y2.
        scores: float64 (n,); equal scores keep their order, so results repeat.
        threshold: overlap above which the weaker box goes.
        of_smaller: as for `overlap`.

    Returns:
        Indices of the kept boxes, strongest first.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = _area(boxes)
    left = np.ones(len(boxes), bool)
    for best in range(len(boxes) - 1):
        if left[best]:
            rest = slice(best + 1, None)
            shares = _shares(
                boxes[best], boxes[rest], areas[best], areas[rest], of_smaller=of_smaller
            )
            left[rest] &= shares <= threshold
    return np.asarray(order[left], dtype=np.intp)


def _area(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _shares(box: Boxes, others: Boxes, area: float, areas: Boxes, *, of_smaller: bool) -> Boxes:
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    np.maximum(sides, 0, out=sides)
    shared = sides[:, 0] * sides[:, 1]
    whole = np.minimum(area, areas) if of_smaller else area + areas - shared
    return np.asarray(shared / np.maximum(whole, 1e-9))
