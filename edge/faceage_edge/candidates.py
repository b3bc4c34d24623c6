"""Boxes that may be faces, on their way through a detector."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_edge.crop import cut
from faceage_edge.geometry import FrameBox

__all__ = ["Candidates", "moved", "patches", "snapped", "squared", "usual_min_face"]

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# 40 pixels at 640 x 480; below 20 a face has too few pixels to tell an age from.
_SHARE_OF_FRAME = 1 / 12
_SMALLEST_USUAL = 20.0


@dataclass(frozen=True)
class Candidates:
    """Boxes float64 (n, 4) as x1, y1, x2, y2 in frame pixels, logits float64 (n,)."""

    boxes: Floats
    logits: Floats

    def pick(self, chosen: npt.NDArray[np.generic]) -> "Candidates":
        """Return some of them, chosen by index or by mask."""
        return Candidates(self.boxes[chosen], self.logits[chosen])


def usual_min_face(frame: Frame) -> float:
    """Side of the smallest face usually wanted: a twelfth of the frame's shorter side, 20 at least.

    Args:
        frame: uint8 (height, width, 3).
    """
    return max(float(min(frame.shape[:2])) * _SHARE_OF_FRAME, _SMALLEST_USUAL)


def squared(boxes: Floats) -> Floats:
    """Grow boxes, float64 (n, 4), to squares around their centres."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centers - half, centers + half], axis=1)


def snapped(squares: Floats) -> Floats:
    """Move squares, float64 (n, 4), onto whole pixels, at least one, so that they stay squares.

    What is cut out of a frame is whole pixels: on a face of 20 pixels half a pixel is a twentieth
    of the distance between the eyes.
    """
    corners = np.rint(squares[:, :2])
    sides = np.maximum(np.rint(squares[:, 2:3] - squares[:, :1]), 1)
    return np.concatenate([corners, corners + sides], axis=1)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Apply offsets, float64 (n, 4), given as shares of the boxes' sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + offsets * np.concatenate([sides, sides], axis=1))


def patches(frame: Frame, boxes: Floats, size: tuple[int, int]) -> Frame:
    """Cut boxes, float64 (n, 4) in frame pixels, out of a frame in a size, (width, height).

    Returns:
        uint8 (n, height, width, 3).
    """
    width, height = size
    made = np.empty((len(boxes), height, width, 3), dtype=np.uint8)
    for patch, box in zip(made, boxes.tolist(), strict=True):
        patch[:] = cut(frame, FrameBox.of_corners(*box), width, height)
    return made
