"""Composed scenes as labelled pictures: faces nobody trained on, at every size and in bad light."""

import hashlib
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.compose import Scene, compose_scenes
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import read_faces
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_edge.detector import load_detector
from faceage_edge.geometry import FrameBox

__all__ = ["Composite", "compose_pictures"]

# Below this a face is found or not as it pleases: no detector is asked for it.
_SMALLEST = 20.0


@dataclass(frozen=True)
class Composite:
    """A scene of 640 x 480 pixels; see `photo_boxes.LabelledPicture`."""

    file: str
    frame: NDArray[np.uint8] = field(repr=False)
    boxes: tuple[FrameBox, ...]
    ignored: tuple[FrameBox, ...]
    tags: tuple[frozenset[str], ...]

    def picture(self) -> NDArray[np.uint8]:
        """Return the frame, uint8 (480, 640, 3), BGR."""
        return self.frame

    def digest(self) -> str:
        """Return the SHA-256 of the frame's bytes, in hexadecimal."""
        return hashlib.sha256(self.frame.tobytes()).hexdigest()


def compose_pictures(
    path: Path, *, count: int, seed: int, part: str = "test"
) -> tuple[Composite, ...]:
    """Compose scenes of one part of a set until they hold enough faces.

    Where a face is, MTCNN's float networks say on its own picture; each is used once before any
    is used again, at another size and place.

    Args:
        path: the set, like FairFace's crops.
        count: faces at least; about a third as many scenes of 0.9 megabytes are held in memory.
        seed: of everything.
        part: of `split_by_digest`.

    Raises:
        FacesError: the set is missing, damaged or too small to be split.
    """
    faces = vars(split_by_digest(read_faces(path, labelled=False)))[part]
    cache = LandmarkCache(load_detector("mtcnn", scheme="float32"))
    made: list[Composite] = []
    have = 0
    for again in numbers():
        for scene in compose_scenes(faces, cache.find_face, seed=seed + again):
            made.append(_composite(scene, len(made)))
            have += len(made[-1].boxes)
            if have >= count:
                return tuple(made)
    raise AssertionError("unreachable")


def _composite(scene: Scene, number: int) -> Composite:
    wanted = [face for face in scene.faces if face.box.height >= _SMALLEST]
    return Composite(
        f"scene-{number:04d}",
        scene.frame,
        tuple(face.box for face in wanted),
        tuple(face.box for face in scene.faces if face.box.height < _SMALLEST),
        tuple(face.tags for face in wanted),
    )
