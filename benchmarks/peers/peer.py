"""What a peer is to the run: something that finds faces, something that says ages, and its name.

The files beside this one open what other people run, each from files that its user brings. None of
their code is here: inputs and outputs are read as their publications describe them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = [
    "AgePeer",
    "Detector",
    "Picture",
    "digest_of",
    "face_at",
    "usual_landmarks",
    "with_margin",
]

Picture = NDArray[np.uint8]
Detector = Callable[[Picture], list[Face]]

# Eyes, nose and corners of the mouth as shares of a tight face box, for detectors that give none.
_USUAL = ((0.31, 0.39), (0.69, 0.39), (0.50, 0.60), (0.35, 0.79), (0.65, 0.79))


@dataclass(frozen=True)
class AgePeer:
    """An age model of others.

    Attributes:
        name: in the result.
        what: it is, in a few words.
        years: from whole pictures of aligned faces, uint8 (height, width, 3) BGR, to years.
        digests: SHA-256 of its files by name.
    """

    name: str
    what: str
    years: Callable[[list[Picture]], NDArray[np.float64]]
    digests: dict[str, str] = field(default_factory=dict)


def digest_of(path: Path) -> dict[str, str]:
    """Return a file's SHA-256 by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}


def with_margin(picture: Picture, share: float) -> Picture:
    """Cut the middle of an aligned face's picture, or widen it by repeating its edge.

    Args:
        picture: uint8 (height, width, 3), BGR.
        share: of each side; above 1 it is widened.
    """
    height, width = picture.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    if share > 1:
        sides = (-top, -top, -left, -left)
        return np.asarray(cv2.copyMakeBorder(picture, *sides, cv2.BORDER_REPLICATE), np.uint8)
    return np.ascontiguousarray(picture[top : height - top, left : width - left])


def usual_landmarks(box: FrameBox) -> FrameLandmarks:
    """Return where a face's five landmarks usually lie in its box."""
    shares = np.array(_USUAL)
    return FrameLandmarks(shares * (box.width, box.height) + (box.x, box.y))


def face_at(box: Any, score: float, landmarks: Any = None) -> Face:
    """Make a face of x, y, width, height and, where there are any, five landmarks (5, 2)."""
    where = FrameBox(*(float(value) for value in box))
    points = usual_landmarks(where) if landmarks is None else FrameLandmarks(np.asarray(landmarks))
    return Face(where, points, float(score))
