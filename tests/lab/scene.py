"""What the lab's boards look at, and how their results are held against this machine's."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from faceage_edge.errors import FaceageError

__all__ = ["CACHE", "CAMERA", "results", "scene", "years_apart"]

# Root file systems and wheels, kept between runs.
CACHE = Path.home() / ".cache" / "faceage-lab"
_SIDE = 240
_FRAMES = 3
# The options of `faceage-camera` that `scene` is for.
CAMERA = ("--source", "-", "--width", str(_SIDE), "--height", str(_SIDE))


def scene() -> bytes:
    """Three raw BGR frames, all with the same one face."""
    frame = np.ascontiguousarray(data.astronaut()[:_SIDE, 100 : 100 + _SIDE, ::-1])
    return frame.tobytes() * _FRAMES


def results(text: bytes) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def years_apart(here: list[dict[str, Any]], there: list[dict[str, Any]]) -> float:
    """By how many years the ages of the scene's face differ, at most.

    Raises:
        FaceageError: the same faces were not found in every frame.
    """
    counts = [len(frame["faces"]) for frame in here], [len(frame["faces"]) for frame in there]
    if counts[0] != counts[1] or len(here) != _FRAMES or min(counts[0]) < 1:
        raise FaceageError(f"faces found here {counts[0]}, on the board {counts[1]}")
    return max(
        abs(float(one["faces"][0]["age"]) - float(other["faces"][0]["age"]))
        for one, other in zip(here, there, strict=True)
    )
