"""What the finder shall say of a scene: which cells are the middle of a face, and its edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceage_edge.geometry import FrameBox
from faceage_models.finder_network import FINDER_SIZE, STRIDES

__all__ = ["FACE", "IGNORED", "NO_FACE", "SIDES", "GridTargets", "finder_targets"]

Floats = NDArray[np.float32]

NO_FACE, FACE, IGNORED = 0.0, 1.0, -1.0
# Mean sides in input pixels of the faces that a grid answers for. They overlap, so that a face
# between two grids is found by both.
SIDES = {8: (9.0, 38.0), 16: (28.0, 92.0), 32: (64.0, 400.0)}
# Beyond its own sides by this factor a grid may say what it likes.
_TOLERANT = 1.4
# Shares of a box's sides, from its centre: within the first a cell is the face's middle, from the
# second on it is not, between them either is right.
_MIDDLE, _BESIDE = 0.2, 0.4


@dataclass(frozen=True)
class GridTargets:
    """Targets of one grid.

    `kinds` is float32 (rows, columns): FACE, NO_FACE or IGNORED. `boxes` is float32
    (rows, columns, 4): left, top, right, bottom distance of the cell's centre in strides, 0 where
    there is no face.
    """

    kinds: Floats
    boxes: Floats


def finder_targets(boxes: Sequence[FrameBox]) -> dict[int, GridTargets]:
    """Work out the targets of all grids.

    Args:
        boxes: the faces in pixels of the finder's input.

    Returns:
        The targets by stride. Where the middles of two faces share a cell, the smaller has it.
    """
    return {stride: _grid(boxes, stride) for stride in STRIDES}


def _grid(boxes: Sequence[FrameBox], stride: int) -> GridTargets:
    columns, rows = -(-FINDER_SIZE[0] // stride), -(-FINDER_SIZE[1] // stride)
    kinds = np.full((rows, columns), NO_FACE, np.float32)
    edges = np.zeros((rows, columns, 4), np.float32)
    x = (np.arange(columns) + 0.5) * stride
    y = ((np.arange(rows) + 0.5) * stride)[:, None]
    low, high = SIDES[stride]
    for box in sorted(boxes, key=lambda box: -box.area):
        side = float(np.sqrt(box.area))
        if not low / _TOLERANT <= side <= high * _TOLERANT:
            continue
        (cx, cy), own = box.center, low <= side <= high
        away = np.maximum(np.abs(x - cx) / box.width, np.abs(y - cy) / box.height)
        # The cell that the centre lies in is always one, however small the face.
        row, column = int(cy // stride), int(cx // stride)
        away[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)] = 0
        kinds[(away < _BESIDE) & (kinds != FACE)] = IGNORED
        middle = away < _MIDDLE
        kinds[middle] = FACE if own else IGNORED
        if own:
            left, top = x - box.x, y - box.y
            distances = np.stack(
                np.broadcast_arrays(left, top, box.width - left, box.height - top), axis=-1
            )
            edges[middle] = distances[middle] / stride
    return GridTargets(kinds, edges)
