"""Find the one face that a whole photo is labelled with, and cut it out with room around it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceage_calibration.alignment import alignment_of
from faceage_calibration.landmarks import PAD_SHARE, FaceDetector, find_face
from faceage_calibration.pictures import Picture
from faceage_edge.candidates import usual_min_face
from faceage_edge.crop import pad
from faceage_edge.geometry import (
    CropTemplate,
    Face,
    FrameBox,
    FrameLandmarks,
    similarity,
)
from faceage_edge.nms import overlap

__all__ = ["FrameSquare", "cut_out", "encode", "faces_in", "same_face", "square_around"]

# A detector that is shown a box wants to see around it; labels differ in how much they take in.
_BOX_ROOM = 2.0
# A large photo's usual smallest face is large too. A face narrower than this would be blown up
# threefold for the age model's crop.
_SMALLEST = 40.0
# The squares of two faces that touch, cheek to cheek, overlap by less.
_SAME = 0.6
# Age is in the texture of skin, which coarser steps and halved colours smooth; the crop is one more
# generation of JPEG after the photo's own.
_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 95)
_SAMPLING = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


@dataclass(frozen=True)
class FrameSquare:
    """A square of whole pixels of a photo; it may reach beyond the photo's edge."""

    left: int
    top: int
    side: int

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """x1, y1, x2, y2 as float64 (4,), as `faceage_edge.nms` takes them."""
        return np.array([0, 0, self.side, self.side], np.float64) + [self.left, self.top] * 2


def faces_in(photo: Picture, detector: FaceDetector, box: FrameBox | None = None) -> list[Face]:
    """Find the faces that a photo's label may mean.

    Args:
        photo: uint8 (height, width, 3), BGR.
        detector: finds faces.
        box: where the labelled face is, in pixels of the photo.

    Returns:
        With a box the face in it, if one is found; without, every face of the photo, boxes and
        landmarks in pixels of the photo.
    """
    if box is not None:
        return _face_in_box(photo, detector, box)
    usual = usual_min_face(photo)
    faces = detector.detect(photo, min_face=usual)
    if faces:
        return faces
    # A portrait may end at the face's edge.
    padded, left, top = pad(photo, PAD_SHARE)
    faces = [_moved(face, -left, -top) for face in detector.detect(padded, min_face=usual)]
    if faces or usual <= _SMALLEST:
        return faces
    # Last, so that passers-by do not count where someone stands in front.
    return detector.detect(photo, min_face=_SMALLEST)


def square_around(landmarks: FrameLandmarks) -> FrameSquare:
    """Return the upright square in which a face lies as `alignment_of("prepared")` says.

    Args:
        landmarks: the face's, in pixels of the photo.
    """
    usual = alignment_of("prepared")
    template = CropTemplate(usual.width, usual.height, usual.points)
    scale = similarity(landmarks, template).scale
    side = max(round(usual.width / scale), 1)
    middle = np.array([usual.width - 1, usual.height - 1]) / 2
    center = landmarks.points.mean(axis=0) + (middle - usual.points.mean(axis=0)) / scale
    left, top = np.rint(center - (side - 1) / 2).astype(int)
    return FrameSquare(int(left), int(top), side)


def same_face(square: FrameSquare, others: Sequence[FrameSquare]) -> bool:
    """Whether a square of a photo shows the face of another, by its overlap (of the union)."""
    corners = np.array([other.corners for other in others]).reshape(-1, 4)
    return bool((overlap(square.corners, corners) > _SAME).any())


def cut_out(photo: Picture, square: FrameSquare) -> Picture:
    """Copy a square out of a photo, pixel for pixel; beyond the photo its edge pixels repeat.

    Args:
        photo: uint8 (height, width, 3).
        square: in pixels of the photo.

    Returns:
        uint8 (side, side, 3).
    """
    height, width = photo.shape[:2]
    rows = np.clip(np.arange(square.top, square.top + square.side), 0, height - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, width - 1)
    return np.ascontiguousarray(photo[np.ix_(rows, columns)])


def encode(picture: Picture) -> bytes:
    """Return a picture, uint8 (height, width, 3), BGR, as a JPEG file; the same one every time."""
    return bytes(cv2.imencode(".jpg", picture, (*_QUALITY, *_SAMPLING))[1].tobytes())


def _face_in_box(photo: Picture, detector: FaceDetector, box: FrameBox) -> list[Face]:
    side = max(round(max(box.width, box.height) * _BOX_ROOM), 1)
    x, y = box.center
    square = FrameSquare(round(x - side / 2), round(y - side / 2), side)
    face = find_face(cut_out(photo, square), detector)
    if face is None:
        return []
    face = _moved(face, square.left, square.top)
    # The face nearest the middle is a neighbour's where the detector misses the one in the box.
    inside = abs(face.box.center[0] - x) <= box.width / 2
    return [face] if inside and abs(face.box.center[1] - y) <= box.height / 2 else []


def _moved(face: Face, x: float, y: float) -> Face:
    box = face.box
    return Face(
        FrameBox(box.x + x, box.y + y, box.width, box.height),
        FrameLandmarks(face.landmarks.points + np.array([x, y])),
        face.score,
    )
