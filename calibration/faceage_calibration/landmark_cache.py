"""Remember found landmarks between runs: detection costs a hundred times what the age costs.

One file per detector under `$XDG_CACHE_HOME/faceage` (default ~/.cache/faceage), one JSON line
per picture. A cache is a convenience: lines that are damaged are passed over, and a folder that
cannot be written only means that nothing is remembered.
"""

import contextlib
import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from faceage_calibration.landmarks import (
    MIN_FACE_SHARE,
    PAD_SHARE,
    FaceDetector,
    find_landmarks,
)
from faceage_calibration.pictures import Picture
from faceage_edge.geometry import FrameLandmarks

__all__ = ["LandmarkCache", "cache_folder"]

# Raise it when the way landmarks are found changes in a way its two constants do not show.
_METHOD = 2


def cache_folder() -> Path:
    """Return where caches are kept; the XDG rule ignores a variable that is not absolute."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        home = given if given.is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        # A user without a home folder (a service account): nothing will be remembered.
        home = Path(os.devnull)
    return home / "faceage"


class LandmarkCache:
    """The landmarks of pictures under one detector, found when first asked for."""

    def __init__(self, detector: FaceDetector, folder: Path | None = None) -> None:
        """Open the detector's file in `folder`, by default `cache_folder()`."""
        self._detector = detector
        key = f"{detector.digest}:{PAD_SHARE}:{MIN_FACE_SHARE}:{_METHOD}"
        name = hashlib.sha256(key.encode()).hexdigest()[:20]
        self._path = (folder or cache_folder()) / f"landmarks-{name}.jsonl"
        self._known = _read(self._path)

    def find(self, picture: Picture, digest: str) -> FrameLandmarks | None:
        """Return a picture's landmarks, as `find_landmarks` does.

        Args:
            picture: uint8 (height, width, 3), BGR.
            digest: the SHA-256 of the picture's file, in hex.
        """
        if digest not in self._known:
            self._known[digest] = find_landmarks(picture, self._detector)
            self._append(digest, self._known[digest])
        return self._known[digest]

    def _append(self, digest: str, found: FrameLandmarks | None) -> None:
        points = None if found is None else found.points.tolist()
        line = json.dumps({"picture": digest, "landmarks": points}) + "\n"
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write of one line in append mode: two runs at once do not mix their lines.
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode("ascii"))


def _read(path: Path) -> dict[str, FrameLandmarks | None]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}
    known: dict[str, FrameLandmarks | None] = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            known[str(entry["picture"])] = _landmarks(entry["landmarks"])
    return known


def _landmarks(value: Any) -> FrameLandmarks | None:
    if value is None:
        return None
    points = np.array(value, dtype=np.float64)
    if points.shape != (5, 2) or not math.isfinite(points.sum()):
        raise ValueError("not five points")
    return FrameLandmarks(points)
