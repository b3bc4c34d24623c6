"""Compose scenes of several faces from pictures of single ones, with the truth known.

Chips of data sets show one large face each. A detector also meets small faces, several at once,
blur, noise, darkness and walls; its ranges and its tests need them, and photographs with known
boxes are few.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceage_calibration.alignment import alignment_of
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.pictures import Picture
from faceage_edge.crop import shrink
from faceage_edge.geometry import FrameBox, FrameLandmarks

__all__ = ["Scene", "compose_scenes"]

# Sides of the pasted pictures in pixels, drawn evenly on a logarithmic scale: on a camera, faces
# twice as far away are half as large.
_SMALLEST, _LARGEST = 20, 300
_MOST_FACES = 6
_TRIES = 30

_Random = np.random.Generator


@dataclass(frozen=True)
class Scene:
    """One frame and what is in it.

    `frame` is uint8 (height, width, 3), BGR. For each of `faces`, `boxes` holds where its whole
    picture was pasted, and `landmarks` where its source's usual landmarks (`alignment`) came to
    lie, both in pixels of the frame. Boxes do not overlap.
    """

    frame: Picture
    boxes: tuple[FrameBox, ...]
    landmarks: tuple[FrameLandmarks, ...]
    faces: tuple[LabelledFace, ...]


def compose_scenes(
    faces: FaceSet,
    *,
    seed: int = 0,
    width: int = 640,
    height: int = 480,
    backgrounds: Sequence[Picture] = (),
) -> Iterator[Scene]:
    """Compose scenes until every face has been used once.

    Args:
        faces: the faces, used in the set's order.
        seed: of sizes, places, backgrounds and spoiling; the same seed, the same scenes.
        width: of the frames in pixels, at least 300 so that every face fits.
        height: of the frames in pixels, at least 300.
        backgrounds: pictures to paste on, uint8 (height, width, 3), BGR, resized to the frame;
            where given they take turns with colour gradients and noise.

    Yields:
        Scenes of one to six faces.

    Raises:
        ValueError: a frame too small for the largest face.
        FacesError: a picture cannot be decoded.
    """
    if min(width, height) < _LARGEST:
        raise ValueError(f"a {width} x {height} frame cannot hold a face of {_LARGEST} pixels")
    random = np.random.default_rng(seed)
    waiting = list(faces.faces)
    while waiting:
        frame = _background(random, width, height, backgrounds)
        boxes = _places(random, min(int(random.integers(1, _MOST_FACES + 1)), len(waiting)), frame)
        used, waiting = waiting[: len(boxes)], waiting[len(boxes) :]
        landmarks = [
            _paste(frame, face, box, faces.alignment) for face, box in zip(used, boxes, strict=True)
        ]
        yield Scene(_spoilt(random, frame), tuple(boxes), tuple(landmarks), tuple(used))


def _places(random: _Random, count: int, frame: Picture) -> list[FrameBox]:
    """Up to `count` squares that do not overlap, at least one."""
    height, width = frame.shape[:2]
    boxes: list[FrameBox] = []
    for _ in range(_TRIES):
        side = round(float(np.exp(random.uniform(np.log(_SMALLEST), np.log(_LARGEST)))))
        x, y = random.integers(0, width - side + 1), random.integers(0, height - side + 1)
        box = FrameBox(float(x), float(y), float(side), float(side))
        if not any(_touch(box, other) for other in boxes):
            boxes.append(box)
        if len(boxes) == count:
            break
    return boxes


def _touch(one: FrameBox, other: FrameBox) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _paste(frame: Picture, face: LabelledFace, box: FrameBox, alignment: str) -> FrameLandmarks:
    side = round(box.width)
    left, top = round(box.x), round(box.y)
    frame[top : top + side, left : left + side] = shrink(face.picture(), side, side)
    usual = alignment_of(alignment).scaled_to(side, side)
    return FrameLandmarks(usual.points + np.array([left, top]))


def _background(random: _Random, width: int, height: int, pictures: Sequence[Picture]) -> Picture:
    kinds = 3 if pictures else 2
    kind = int(random.integers(kinds))
    if kind == 2:
        return shrink(pictures[int(random.integers(len(pictures)))], width, height).copy()
    if kind == 1:
        # Noise of a few cells is a wall of blotches, of many cells it is foliage.
        cells = int(2 ** random.uniform(1, 8))
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        return shrink(noise, width, height)
    # Four corner colours, blended: a lit wall.
    return shrink(random.integers(0, 256, (2, 2, 3), dtype=np.uint8), width, height)


def _spoilt(random: _Random, frame: Picture) -> Picture:
    """Each of blur, darkness and sensor noise on one frame in three."""
    spoils: tuple[Callable[[_Random, npt.NDArray[np.float32]], npt.NDArray[np.float32]], ...]
    spoils = (_blurred, _darkened, _noisy)
    values = frame.astype(np.float32)
    for spoil in spoils:
        if random.random() < 1 / 3:
            values = spoil(random, values)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _blurred(random: _Random, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), random.uniform(0.5, 2.5)), np.float32)


def _darkened(random: _Random, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(values * random.uniform(0.1, 0.6), np.float32)


def _noisy(random: _Random, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    noise = random.standard_normal(values.shape, np.float32)
    return np.asarray(values + noise * random.uniform(2, 15), np.float32)
