"""Find the one face that a labelled picture shows, and its landmarks."""

import math
from typing import Protocol

import numpy as np

from faceage_calibration.pictures import Picture
from faceage_edge.crop import pad
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = ["FaceDetector", "find_face", "find_landmarks"]

# Data-set chips end at the face's edge, and detectors were trained with some room around it.
PAD_SHARE = 0.3
# Chips are mostly face: side of the smallest face looked for, as a share of the picture's side.
MIN_FACE_SHARE = 0.2


class FaceDetector(Protocol):
    """What is needed of a detector, e.g. `faceage_edge.mtcnn.Mtcnn`."""

    digest: str

    def detect(self, frame: Picture, *, min_face: float = ...) -> list[Face]:
        """Find the faces of a frame, uint8 (height, width, 3), BGR."""


def find_face(picture: Picture, detector: FaceDetector) -> Face | None:
    """Find the face nearest the centre.

    Args:
        picture: uint8 (height, width, 3), BGR; padded for the detector by repeating its edges.
        detector: finds faces.

    Returns:
        The face with its box and landmarks in pixels of the picture as given, or None when none
        was found.
    """
    padded, left, top = pad(picture, PAD_SHARE)
    smallest = max(min(picture.shape[:2]) * MIN_FACE_SHARE, 12.0)
    faces = detector.detect(padded, min_face=smallest)
    if not faces:
        return None
    middle = (padded.shape[1] / 2, padded.shape[0] / 2)
    nearest = min(faces, key=lambda face: math.dist(face.box.center, middle))
    box, landmarks = nearest.box, nearest.landmarks.points - np.array([left, top])
    return Face(
        FrameBox(box.x - left, box.y - top, box.width, box.height),
        FrameLandmarks(landmarks),
        nearest.score,
    )


def find_landmarks(picture: Picture, detector: FaceDetector) -> FrameLandmarks | None:
    """Find the landmarks of the face nearest the centre; see `find_face`."""
    face = find_face(picture, detector)
    return None if face is None else face.landmarks
