"""Labels for the aligner: what MTCNN's last network says of a face on average.

That network's landmarks move with the square it is given, by several per cent of the distance of
the eyes. Asked about many squares around the same face, and about its mirror image, its errors
average out: the label is steadier than the teacher, and so is who learns it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.pictures import Picture
from faceage_calibration.scene_faces import mirrored_points
from faceage_edge.aligner import Aligner
from faceage_edge.crop import pad
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = ["FaceLabel", "averaged_label"]

_SQUARES = 12
_SHIFT, _SCALE = 0.06, 0.08
# A face that its teacher loses in more squares than it sees is no example.
_LEAST_SEEN = 0.5
# Room around a chip, so that no square reaches the grey beyond a frame.
_ROOM = 0.5


@dataclass(frozen=True)
class FaceLabel:
    """`box` float64 (4,) x1, y1, x2, y2 and `points` float64 (5, 2), in pixels of the chip."""

    box: NDArray[np.float64]
    points: NDArray[np.float64]

    def as_face(self) -> Face:
        """The label as the face that a detector would have found."""
        x1, y1, x2, y2 = (float(value) for value in self.box)
        return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(self.points), 1.0)


def averaged_label(
    picture: Picture, face: Face, teacher: Aligner, random: np.random.Generator
) -> FaceLabel | None:
    """Ask the teacher about squares around a face and average its answers.

    Args:
        picture: the chip, uint8 (height, width, 3), BGR.
        face: where a detector found its face.
        teacher: MTCNN's float `output` network.
        random: chooses the squares.

    Returns:
        The label, or None for a face that the teacher is not sure of.
    """
    padded, left, top = pad(picture, _ROOM)
    width = padded.shape[1]
    squares = _squares(face, random) + np.array([left, top, left, top])
    flipped = np.column_stack(
        [width - squares[:, 2], squares[:, 1], width - squares[:, 0], squares[:, 3]]
    )
    seen = teacher.settle(padded, squares)
    mirrored = teacher.settle(np.ascontiguousarray(padded[:, ::-1]), flipped)
    if len(seen) + len(mirrored) < 2 * _SQUARES * _LEAST_SEEN or not seen or not mirrored:
        return None
    boxes = [_corners(one) for one in seen]
    points = [one.landmarks.points for one in seen]
    for one in mirrored:
        x1, y1, x2, y2 = _corners(one)
        boxes.append(np.array([width - x2, y1, width - x1, y2]))
        points.append(mirrored_points(one.landmarks.points, width))
    # Of each coordinate the median: one wild answer moves nothing.
    shift = np.array([left, top], float)
    return FaceLabel(
        np.median(boxes, axis=0) - np.tile(shift, 2), np.median(points, axis=0) - shift
    )


def _squares(face: Face, random: np.random.Generator) -> NDArray[np.float64]:
    side = max(face.box.width, face.box.height)
    sides = side * np.exp(random.normal(0, _SCALE, (_SQUARES, 1)))
    centres = np.array(face.box.center) + random.normal(0, _SHIFT * side, (_SQUARES, 2))
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def _corners(face: Face) -> NDArray[np.float64]:
    box = face.box
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height])
