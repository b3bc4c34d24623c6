"""YuNet (Wu et al., Machine Intelligence Research 2023) as OpenCV runs it, at half size.

Its file is OpenCV's zoo's `face_detection_yunet` (MIT).
"""

from pathlib import Path

import cv2
import numpy as np
from peer import Detector, Picture, digest_of, face_at

from faceage_edge.crop import shrink
from faceage_edge.geometry import Face

LEAST_SCORE = 0.6


def open_half(path: Path, width: int, height: int) -> tuple[Detector, dict[str, str]]:
    """Open it for frames of one size; it sees them at half that size."""
    half = (width // 2, height // 2)
    network = cv2.FaceDetectorYN.create(str(path), "", half, score_threshold=LEAST_SCORE)

    def detect(frame: Picture) -> list[Face]:
        _, rows = network.detect(shrink(frame, *half))
        # Boxes, then five points: the eye on the picture's left first, as ours.
        return [
            face_at(row[:4] * 2, row[14], row[4:14].reshape(5, 2) * 2.0)
            for row in (np.empty((0, 15)) if rows is None else rows)
        ]

    return detect, digest_of(path)
