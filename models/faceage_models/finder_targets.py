"""What the finder shall say of a scene: which anchors stand for a face, and where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from faceage_edge.geometry import FrameBox
from faceage_models.finder_network import ANCHORS, CENTRE_STEP, SIDE_STEP, STRIDES, grid_cells

__all__ = [
    "FACE",
    "IGNORED",
    "NO_FACE",
    "GridTargets",
    "anchor_boxes",
    "finder_targets",
]

Floats = NDArray[np.float32]

NO_FACE, FACE, IGNORED = 0.0, 1.0, -1.0
# Overlap of an anchor with a face: from the first on it stands for the face, below the second it
# does not, between them either is right. RFB-320 was trained with 0.35 as either.
_STANDS, _BESIDE = 0.45, 0.3
# Faces below this mean side in input pixels are asked of nobody.
_SMALLEST = 9.0


@dataclass(frozen=True)
class GridTargets:
    """Targets of one grid of k anchors a cell.

    `kinds` is float32 (rows, columns, k): FACE, NO_FACE or IGNORED. `boxes` is float32
    (rows, columns, k, 4) as `finder_network` gives them, 0 where there is no face.
    """

    kinds: Floats
    boxes: Floats


@lru_cache(maxsize=1)
def anchor_boxes() -> NDArray[np.float64]:
    """Centre x, centre y and side of every anchor in input pixels, (anchors, 3), finest first."""
    parts = []
    for stride, sides in ANCHORS.items():
        columns, rows = grid_cells(stride)
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, sides,
            indexing="ij",
        )  # fmt: skip
        parts.append(np.stack([x, y, side], axis=-1).reshape(-1, 3))
    return np.concatenate(parts)


def finder_targets(boxes: Sequence[FrameBox]) -> dict[int, GridTargets]:
    """Work out the targets of all grids.

    Args:
        boxes: the faces in pixels of the finder's input.

    Returns:
        The targets by stride. A face's best anchor stands for it however little they overlap; an
        anchor of two faces is that of the smaller.
    """
    anchors = anchor_boxes()
    kinds = np.full(len(anchors), NO_FACE, np.float32)
    moves = np.zeros((len(anchors), 4), np.float32)
    for box in sorted(boxes, key=lambda box: -box.area):
        overlaps = _overlaps(anchors, box)
        kinds[(overlaps > _BESIDE) & (kinds != FACE)] = IGNORED
        stands = overlaps > _STANDS
        stands[int(overlaps.argmax())] = True
        if np.sqrt(box.area) < _SMALLEST:
            kinds[stands & (kinds != FACE)] = IGNORED
            continue
        kinds[stands] = FACE
        moves[stands] = _moves(anchors[stands], box)
    return _by_grid(kinds, moves)


def _overlaps(anchors: NDArray[np.float64], box: FrameBox) -> NDArray[np.float64]:
    """Intersection over union of each anchor with a box, (anchors,)."""
    x, y, side = anchors.T
    width = np.minimum(x + side / 2, box.x + box.width) - np.maximum(x - side / 2, box.x)
    height = np.minimum(y + side / 2, box.y + box.height) - np.maximum(y - side / 2, box.y)
    shared = width.clip(0) * height.clip(0)
    return np.asarray(shared / (side**2 + box.area - shared))


def _moves(anchors: NDArray[np.float64], box: FrameBox) -> Floats:
    (x, y), side = box.center, anchors[:, 2]
    across, down = (x - anchors[:, 0]) / side, (y - anchors[:, 1]) / side
    sides = np.log(np.array([box.width, box.height]) / side[:, None]) / SIDE_STEP
    centre = np.stack([across, down], axis=1) / CENTRE_STEP
    return np.concatenate([centre, sides], axis=1).astype(np.float32)


def _by_grid(kinds: Floats, moves: Floats) -> dict[int, GridTargets]:
    targets, first = {}, 0
    for stride in STRIDES:
        columns, rows = grid_cells(stride)
        shape = (rows, columns, len(ANCHORS[stride]))
        own = slice(first, first + int(np.prod(shape)))
        targets[stride] = GridTargets(kinds[own].reshape(shape), moves[own].reshape(*shape, 4))
        first = own.stop
    return targets
