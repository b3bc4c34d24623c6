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
    corner = np.minimum(box[2:], others[:, 2:])
    sides = np.maximum(corner - np.maximum(box[:2], others[:, :2]), 0)
    shared = sides[:, 0] * sides[:, 1]
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    whole = np.minimum(area, areas) if of_smaller else area + areas - shared
    return np.asarray(shared / np.maximum(whole, 1e-9))


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
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[overlap(boxes[best], boxes[rest], of_smaller=of_smaller) <= threshold]
    return np.array(kept, dtype=np.intp)
