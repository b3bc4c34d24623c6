"""The demonstration's clip: NASA's portrait of Eileen Collins moving before a camera.

scikit-image carries the photograph (public domain), so nothing is downloaded and no picture of
anyone else is needed.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_edge.crop import warp
from faceage_edge.errors import OutputError, missing_extra
from faceage_edge.geometry import Similarity
from faceage_edge.quiet_opencv import quiet_opencv

__all__ = ["FPS", "FRAMES", "clip_frames", "make_clip", "portrait"]

Picture = NDArray[np.uint8]

FPS = 25
FRAMES = 75
_WIDTH, _HEIGHT = 640, 480
# The face's centre in the 512 x 512 photograph, in its pixels.
_FACE_X, _FACE_Y = 223.0, 118.0


def portrait() -> Picture:
    """Return the photograph, uint8 (512, 512, 3), BGR.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage.data import astronaut
    except ImportError as error:
        raise missing_extra("skimage", "demo") from error
    return np.ascontiguousarray(astronaut()[..., ::-1], dtype=np.uint8)


def clip_frames(photograph: Picture) -> Iterator[Picture]:
    """Yield the clip's frames: the photograph slides across, comes nearer and tilts a little.

    Args:
        photograph: uint8 (512, 512, 3), BGR.

    Yields:
        uint8 (480, 640, 3), BGR.
    """
    for number in range(FRAMES):
        # One slow swing from side to side while the camera goes in and out again.
        phase = 2 * math.pi * number / FRAMES
        scale = 1.25 - 0.35 * math.cos(phase)
        tilt = math.radians(4) * math.sin(2 * phase)
        x = _WIDTH / 2 + 110 * math.sin(phase)
        y = 190 + 20 * math.cos(phase)
        yield warp(photograph, _placed(scale, tilt, x, y), _WIDTH, _HEIGHT)


def make_clip(path: Path) -> None:
    """Write the clip as an MP4 file.

    Args:
        path: to write; an older file is replaced.

    Raises:
        MissingExtraError: scikit-image is not installed.
        OutputError: this OpenCV cannot write MP4, or not there.
    """
    photograph = portrait()
    quiet_opencv()
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, float(FPS), (_WIDTH, _HEIGHT))
    if not writer.isOpened():
        raise OutputError(
            f"cannot write the clip {path}: its folder is missing or this OpenCV has no MP4 "
            "encoder; install opencv-python-headless from PyPI"
        )
    try:
        for frame in clip_frames(photograph):
            writer.write(frame)
    finally:
        writer.release()


def _placed(scale: float, tilt: float, x: float, y: float) -> Similarity:
    """Return what brings the face's centre to (x, y) of the frame, enlarged and tilted."""
    cos, sin = scale * math.cos(tilt), scale * math.sin(tilt)
    rotation = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([x, y]) - rotation @ (_FACE_X, _FACE_Y)
    return Similarity(np.column_stack([rotation, shift]))
