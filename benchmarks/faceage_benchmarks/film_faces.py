"""Whether the camera loop sees in a film what a search of every frame sees there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceage_benchmarks.loop_runs import LoopRun, Picture
from faceage_edge.errors import FaceageError
from faceage_edge.geometry import iou
from faceage_edge.loading import Models
from faceage_edge.result import FrameResult

__all__ = ["film_faces"]

# Of the test clips.
_FPS = 12.5
_SAME_FACE_IOU = 0.3
_DECIMALS = 2


def film_faces(path: Path, models: Models) -> dict[str, Any]:
    """Run both loops over a film.

    Args:
        path: of the film.
        models: of both loops.

    Returns:
        A row for each face that the search of every frame has: `person` (its track there), `age`
        there, and `loop_age`, the age that the loop gives the same face in the same frame, None
        where it has none; and of each frame `extra`, how many faces only the loop has.

    Raises:
        FaceageError: no frame of the film can be read.
    """
    pictures = _film(path)
    loops = [LoopRun(models, every_frame=every, cuts=True) for every in (True, False)]
    for one in loops:
        one(pictures, fps=_FPS)
    rows: dict[str, Any] = {"person": [], "age": [], "loop_age": [], "extra": []}
    for every, own in zip(loops[0].results, loops[1].results, strict=True):
        _match(every, own, rows)
    return rows


def _film(path: Path) -> list[Picture]:
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(np.asarray(read[1], np.uint8))
    film.release()
    if not pictures:
        raise FaceageError(f"no frame of {path} can be read; expected a film such as a .gif")
    return pictures


def _match(every: FrameResult, own: FrameResult, rows: Mapping[str, list[Any]]) -> None:
    """Add a frame's faces to the rows, each with the loop's face at the same place, if any."""
    free = list(own.faces)
    for face in every.faces:
        best = max(free, key=lambda other: iou(face.box, other.box), default=None)
        age = None
        if best is not None and iou(face.box, best.box) > _SAME_FACE_IOU:
            free.remove(best)
            age = round(best.age, _DECIMALS)
        rows["person"].append(face.track)
        rows["age"].append(round(face.age, _DECIMALS))
        rows["loop_age"].append(age)
    rows["extra"].append(len(free))
