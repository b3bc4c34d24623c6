"""Which detections found which labelled faces.

The rule follows the PASCAL VOC challenge (Everingham et al. 2010): detections in the order of their
score each take the labelled face that they overlap most among those still free, when the overlap
reaches a threshold; one face takes one detection, every further one is a false box.

Overlap is intersection over union. The threshold is 0.3 instead of VOC's 0.5, and stated in every
result: dlib's labels are squares from brow to chin, MTCNN's boxes follow WIDER FACE's labels
from forehead to chin, so that a box right on its face often overlaps the label by only a half.
0.5 would measure the two conventions; 0.3 still excludes a neighbour, since labelled faces
do not overlap each other. Detections stand in the file, so any other rule can be applied to them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["IOU_THRESHOLD", "MATCHING_RULE", "match", "overlaps"]

IOU_THRESHOLD = 0.3
MATCHING_RULE = (
    "greedy by score, one to one: a detection takes the free labelled face it overlaps most, "
    "if the intersection over union reaches `iou`"
)


def overlaps(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of every pair of boxes.

    Args:
        boxes: (n, 4) rows of x, y, width, height.
        others: (m, 4) rows of the same.

    Returns:
        (n, m) between 0 and 1.
    """
    first = np.asarray(boxes, dtype=np.float64).reshape(-1, 1, 4)
    second = np.asarray(others, dtype=np.float64).reshape(1, -1, 4)
    start = np.maximum(first[..., :2], second[..., :2])
    end = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = np.maximum(end - start, 0).prod(axis=-1)
    union = first[..., 2:].prod(axis=-1) + second[..., 2:].prod(axis=-1) - shared
    return np.asarray(shared / np.maximum(union, np.finfo(np.float64).tiny))


def match(
    labelled: Sequence[Sequence[float]],
    detected: Sequence[Sequence[float]],
    scores: Sequence[float],
    *,
    iou: float = IOU_THRESHOLD,
) -> list[int | None]:
    """Return for every labelled face the index of the detection that found it.

    Args:
        labelled: boxes of x, y, width, height in pixels of the photo.
        detected: boxes of the same kind.
        scores: of the detections, higher is surer; equal scores keep their order.
        iou: overlap from which a detection counts as found.

    Returns:
        One index into `detected` or None for each labelled face; no index stands twice.
    """
    found: list[int | None] = [None] * len(labelled)
    table = overlaps(detected, labelled)
    for index in np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable"):
        free = [face for face, taken in enumerate(found) if taken is None]
        best = max(free, key=lambda face: table[index, face], default=None)
        if best is not None and table[index, best] >= iou:
            found[best] = int(index)
    return found
