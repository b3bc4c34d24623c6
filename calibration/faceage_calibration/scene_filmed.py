"""Frames of clips as scenes: what composing cannot make, whole people in real rooms.

Where their faces are, a detector says; a clip serves only when it finds them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from faceage_calibration.landmarks import FaceDetector
from faceage_calibration.pictures import Picture
from faceage_calibration.scene_faces import mirrored_points
from faceage_edge.crop import warp
from faceage_edge.frames import CameraRequest
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, Similarity
from faceage_edge.sources import open_source

__all__ = ["FilmedFrame", "put_filmed", "read_filmed"]

# Neighbouring frames look alike.
_STEP = 2
_SMALLEST = 20.0
# Of a face's box, what has to be in the frame for it to count as one that can be found.
_INSIDE = 0.6

_Random = np.random.Generator


@dataclass(frozen=True)
class FilmedFrame:
    """One frame, uint8 (height, width, 3), BGR, and all faces in it, at least one."""

    picture: Picture
    faces: tuple[Face, ...]


def read_filmed(clips: Sequence[Path], detector: FaceDetector) -> list[FilmedFrame]:
    """Read every second frame of clips in which a detector sees a face.

    Args:
        clips: films, as `faceage-camera --source` takes them.
        detector: says where the faces are.

    Raises:
        SourceError: a clip is missing or cannot be decoded.
    """
    frames = []
    for clip in clips:
        with open_source(str(clip), CameraRequest()) as source:
            for frame in islice(source, 0, None, _STEP):
                picture = frame.picture.copy()
                faces = tuple(detector.detect(picture, min_face=_SMALLEST))
                if faces:
                    frames.append(FilmedFrame(picture, faces))
    return frames


def put_filmed(
    random: _Random, frame: Picture, filmed: FilmedFrame, side: float
) -> list[tuple[FrameBox, FrameLandmarks]]:
    """Put a filmed frame into a scene, in place: over all of it, or as a picture in it.

    Args:
        random: chooses the place, and whether it is mirrored.
        frame: uint8 (height, width, 3), BGR.
        filmed: what is put there.
        side: height that one of its faces, chosen at random, shall have in the frame, in pixels.

    Returns:
        The faces in the frame: their boxes, and their landmarks.
    """
    picture = filmed.picture
    mirrored = bool(random.random() < 0.5)
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    one = filmed.faces[int(random.integers(len(filmed.faces)))]
    scale = side / one.box.height
    size = np.array([frame.shape[1], frame.shape[0]], float)
    whole = scale * np.array([picture.shape[1], picture.shape[0]], float)
    # From the film's left or top edge at the scene's to right or bottom edge there.
    shift = random.uniform(np.minimum(size - whole, 0), np.maximum(size - whole, 0))
    transform = Similarity(np.column_stack([np.eye(2) * scale, shift + (scale - 1) / 2]))
    seen = warp(picture, transform, frame.shape[1], frame.shape[0])
    mask = np.zeros(frame.shape[:2], np.uint8)
    ends = np.rint(np.concatenate([shift, shift + whole])).astype(int).tolist()
    cv2.rectangle(mask, (ends[0], ends[1]), (ends[2] - 1, ends[3] - 1), 255, -1)
    np.copyto(frame, seen, where=mask[..., None] > 0)
    placed = [_placed(face, transform, picture.shape[1], mirrored) for face in filmed.faces]
    return [(box, points) for box, points in placed if _share_inside(box, size) >= _INSIDE]


def _placed(
    face: Face, transform: Similarity, width: int, mirrored: bool
) -> tuple[FrameBox, FrameLandmarks]:
    points, box = face.landmarks.points, face.box
    left = box.x
    if mirrored:
        points = mirrored_points(points, width)
        left = width - box.x - box.width
    scale, (x, y) = transform.scale, transform.matrix[:, 2] - (transform.scale - 1) / 2
    at = FrameBox(left * scale + x, box.y * scale + y, box.width * scale, box.height * scale)
    return at, FrameLandmarks(transform.apply(points))


def _share_inside(box: FrameBox, size: np.ndarray) -> float:
    low = np.maximum((box.x, box.y), 0.0)
    high = np.minimum((box.x + box.width, box.y + box.height), size)
    return float(np.maximum(high - low, 0).prod() / max(box.area, 1e-9))
