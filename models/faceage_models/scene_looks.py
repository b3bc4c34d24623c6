"""Further looks at composed scenes: composing costs far more than a mirror, light or a new crop."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_calibration.compose import PastedFace, Scene
from faceage_calibration.scene_faces import mirrored_points
from faceage_edge.crop import warp
from faceage_edge.geometry import FrameBox, FrameLandmarks, Similarity

__all__ = ["cropped", "looks_at", "mirrored"]

# A look comes among those of others: so many scenes wait.
_LATER = 512
_MOST_SCALE = 1.25
_GAINS, _CONTRAST, _SHIFT = (0.85, 1.15), (0.75, 1.25), 20.0
# Of a face's box, what may be seen of it for it to be a face, and at most for it to be none.
_INSIDE, _GONE = 0.6, 0.05
_TRIES = 6

_Random = np.random.Generator


@dataclass
class _Waiting:
    """A scene, how often it has been shown, and how often it will be."""

    scene: Scene
    shown: int
    left: int


def looks_at(scenes: Iterator[Scene], looks: int, random: _Random) -> Iterator[Scene]:
    """Show each scene several times: as it is, later mirrored, then in other light and cut anew.

    Args:
        scenes: without end.
        looks: how often each is shown.
        random: what chooses.
    """
    waiting: list[_Waiting] = []
    for scene in scenes:
        yield scene
        if looks > 1:
            waiting.append(_Waiting(scene, 1, looks - 1))
        for _ in range(looks - 1):
            if len(waiting) <= _LATER:
                break
            index = int(random.integers(len(waiting)))
            one = waiting[index]
            yield mirrored(one.scene) if one.shown == 1 else _varied(random, one.scene)
            one.shown, one.left = one.shown + 1, one.left - 1
            if not one.left:
                waiting.pop(index)


def mirrored(scene: Scene) -> Scene:
    """A scene's mirror image."""
    width = scene.frame.shape[1]
    faces = []
    for face in scene.faces:
        points = mirrored_points(face.landmarks.points, width)
        box = replace(face.box, x=width - face.box.x - face.box.width)
        faces.append(replace(face, box=box, landmarks=FrameLandmarks(points)))
    return Scene(np.ascontiguousarray(scene.frame[:, ::-1]), tuple(faces))


def _varied(random: _Random, scene: Scene) -> Scene:
    if random.random() < 0.5:
        scene = mirrored(scene)
    for _ in range(_TRIES):
        scale = math.exp(random.uniform(-math.log(_MOST_SCALE), math.log(_MOST_SCALE)))
        place = random.random(2)
        found = cropped(scene, scale, (float(place[0]), float(place[1])))
        if found is not None:
            scene = found
            break
    return replace(scene, frame=_lit(random, scene.frame))


def _lit(random: _Random, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame in light of another colour, brightness and contrast, by a table for each channel."""
    gains = random.uniform(*_GAINS, 3) * random.uniform(*_CONTRAST)
    values = (np.arange(256)[:, None] - 128) * gains + 128 + random.uniform(-_SHIFT, _SHIFT)
    table = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame, table[None]), np.uint8)


def cropped(scene: Scene, scale: float, place: tuple[float, float]) -> Scene | None:
    """Show a scene larger and cut, or smaller and with its last pixels repeated around it.

    Args:
        scene: any.
        scale: new pixels per old.
        place: where in what room there is, 0 to 1 from the left and from the top.

    Returns:
        A scene of the same size; None where a face would be neither in it nor out of it.
    """
    height, width = scene.frame.shape[:2]
    size = np.array([width, height], float)
    # Boxes count from the edges of pixels, transforms from their centres: half a pixel apart.
    shift = (size - size * scale) * place
    transform = Similarity(np.column_stack([np.eye(2) * scale, shift + (scale - 1) / 2]))
    whole, seen = (
        (np.zeros(2), size),
        (np.maximum(shift, 0), np.minimum(shift + size * scale, size)),
    )
    faces = []
    for face in scene.faces:
        left, top = np.array([face.box.x, face.box.y]) * scale + shift
        box = FrameBox(float(left), float(top), face.box.width * scale, face.box.height * scale)
        share = _share_within(box, *seen)
        if share <= _GONE:
            continue
        if share < min(_INSIDE, _share_within(face.box, *whole) - 1e-6):
            return None
        points = FrameLandmarks(transform.apply(face.landmarks.points))
        faces.append(PastedFace(face.source, box, points, face.tags))
    return Scene(warp(scene.frame, transform, width, height), tuple(faces))


def _share_within(box: FrameBox, low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    first = np.maximum((box.x, box.y), low)
    last = np.minimum((box.x + box.width, box.y + box.height), high)
    return float(np.maximum(last - first, 0).prod() / max(box.area, 1e-9))
