"""Boxes, landmarks and templates, each typed by the frame of reference it lives in.

Coordinates are pixel centres at integers, as in OpenCV: the left-most pixel column has x = 0,
and resizing a picture by s maps x to (x + 0.5) * s - 0.5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "CropTemplate",
    "Face",
    "FrameBox",
    "FrameLandmarks",
    "Points",
    "Similarity",
    "covered",
    "iou",
    "similarity",
]

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FrameBox:
    """A rectangle in pixels of the camera frame; it may reach beyond the frame's edge."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def of_corners(cls, x1: float, y1: float, x2: float, y2: float) -> "FrameBox":
        """The box between its left upper and its right lower corner."""
        return cls(x1, y1, x2 - x1, y2 - y1)

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box, (x, y) in frame pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """The box's area in square frame pixels."""
        return self.width * self.height

    @property
    def squared(self) -> "FrameBox":
        """The square around the same middle whose side is the longer one."""
        (x, y), side = self.center, max(self.width, self.height)
        return FrameBox(x - side / 2, y - side / 2, side, side)


@dataclass(frozen=True)
class FrameLandmarks:
    """Five points of a face in pixels of the camera frame.

    `points` is float64 of shape (5, 2): left eye, right eye, nose tip, left and right corner of
    the mouth, left and right as seen in the picture.
    """

    points: Points


@dataclass(frozen=True)
class Face:
    """One detected face: where it is, where its five landmarks are, how sure the detector is."""

    box: FrameBox
    landmarks: FrameLandmarks
    score: float


@dataclass(frozen=True)
class CropTemplate:
    """Where the five landmarks of an aligned face lie in its crop.

    `width` and `height` are the crop's size in pixels, `points` is float64 (5, 2) in crop pixels,
    in the order of `FrameLandmarks`.
    """

    width: int
    height: int
    points: Points


@dataclass(frozen=True)
class Similarity:
    """A rotation, uniform scale and shift from frame pixels to crop pixels.

    `matrix` is float64 (2, 3): crop = matrix[:, :2] @ frame + matrix[:, 2].
    """

    matrix: Points

    @property
    def scale(self) -> float:
        """Crop pixels per frame pixel."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def apply(self, points: Points) -> Points:
        """Map points (n, 2) in frame pixels to crop pixels."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])


def iou(one: FrameBox, other: FrameBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = _shared(one, other)
    return shared / (one.area + other.area - shared) if shared else 0.0


def covered(one: FrameBox, other: FrameBox) -> float:
    """Which share of the smaller of two boxes the larger one covers, 0 to 1."""
    shared = _shared(one, other)
    return shared / min(one.area, other.area) if shared else 0.0


def _shared(one: FrameBox, other: FrameBox) -> float:
    """The area that two boxes share, in square frame pixels."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return width * height if width > 0 and height > 0 else 0.0


def similarity(landmarks: FrameLandmarks, template: CropTemplate) -> Similarity:
    """Fit the similarity that brings a face's landmarks onto a template.

    Least squares without reflection (Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns", PAMI 1991).

    Args:
        landmarks: five points in frame pixels.
        template: the five target points in crop pixels.

    Returns:
        The transform from frame pixels to crop pixels. Landmarks that all coincide have no
        orientation or size; they give the identity rotation at scale 1.
    """
    source, target = landmarks.points, template.points
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centered, goal = source - source_mean, target - target_mean
    # In two dimensions the optimum is one complex number: the regression of target on source.
    spread = float((centered**2).sum())
    if spread < 1e-12:
        cos, sin = 1.0, 0.0
    else:
        cos = float((centered * goal).sum()) / spread
        sin = float((centered[:, 0] * goal[:, 1] - centered[:, 1] * goal[:, 0]).sum()) / spread
    rotation = np.array([[cos, -sin], [sin, cos]])
    shift = target_mean - rotation @ source_mean
    return Similarity(np.column_stack([rotation, shift]))
