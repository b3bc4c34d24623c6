"""Remember found faces between runs: detection costs a hundred times what the age costs.

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
    find_face,
)
from faceage_calibration.pictures import Picture
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = ["LandmarkCache", "cache_folder"]

# Raise it when the way landmarks are found changes in a way its two constants do not show.
_METHOD = 4


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
    """The faces of pictures of one face each under one detector, found when first asked for."""

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
        face = self.find_face(picture, digest)
        return None if face is None else face.landmarks

    def find_face(self, picture: Picture, digest: str) -> Face | None:
        """Return a picture's face, as `landmarks.find_face` does; arguments as for `find`."""
        if digest not in self._known:
            self._known[digest] = find_face(picture, self._detector)
            self._append(digest, self._known[digest])
        return self._known[digest]

    def _append(self, digest: str, found: Face | None) -> None:
        entry: dict[str, Any] = {"picture": digest, "landmarks": None}
        if found is not None:
            box = found.box
            entry["landmarks"] = found.landmarks.points.tolist()
            entry |= {"box": [box.x, box.y, box.width, box.height], "score": found.score}
        line = json.dumps(entry) + "\n"
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write of one line in append mode: two runs at once do not mix their lines.
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode("ascii"))


def _read(path: Path) -> dict[str, Face | None]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}
    known: dict[str, Face | None] = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            known[str(entry["picture"])] = _face(entry)
    return known


def _face(entry: dict[str, Any]) -> Face | None:
    if entry["landmarks"] is None:
        return None
    points = np.array(entry["landmarks"], dtype=np.float64)
    box = [float(side) for side in entry["box"]]
    if points.shape != (5, 2) or not math.isfinite(points.sum() + sum(box)):
        raise ValueError("not five points in a box")
    return Face(FrameBox(*box), FrameLandmarks(points), float(entry["score"]))
