"""Batches of worn crops: drawn, cut and spoilt, in this process or in several beside it.

A batch depends on the seed and its number alone, so a run sees the same ones whatever the number
of processes. All of them map the same file of faces into memory.
"""

import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_edge.crop import shrink
from faceage_edge.geometry import CropTemplate
from faceage_models.age_faces import Pictures, TrainingFaces, middle
from faceage_models.age_wear import AgeWear, wear
from faceage_models.background import in_backgrounds

__all__ = [
    "AgeBatch", "Drawing", "age_batches", "batches_beside", "resized", "validation_crops",
]  # fmt: skip

_WAITING = 2
# Beside the crops a batch holds which faces they are: 8 bytes each.
_NUMBER_BYTES = 8


@dataclass(frozen=True)
class AgeBatch:
    """`crops` by their side in pixels: uint8 (n, side, side, 3), RGB; `spans` float64 (n, 2), low
    and high age in years; `chosen` int64 (n,), the faces' numbers."""

    crops: Mapping[int, Pictures]
    spans: NDArray[np.float64]
    chosen: NDArray[np.int64]


@dataclass(frozen=True)
class Drawing:
    """What is drawn.

    Attributes:
        weights: how often each face is drawn, float64 (n,); all alike: every face once a pass.
        size: faces a batch.
        seed: of order and of wear.
        sides: of the crops wanted, in pixels, none larger than the faces' template.
        worn: how much crops vary.
        first: number of the first batch.
    """

    weights: NDArray[np.float64]
    size: int
    seed: int
    sides: tuple[int, ...]
    worn: AgeWear = field(default_factory=AgeWear)
    first: int = 0


def age_batches(faces: TrainingFaces, drawing: Drawing) -> Generator[AgeBatch]:
    """Make batches without end, here and now."""
    for crops, chosen in _worn(faces.canvases, faces.template, drawing, 0, 1):
        yield AgeBatch(_at_sides(crops, drawing.sides), faces.spans[chosen], chosen)


def batches_beside(faces: TrainingFaces, drawing: Drawing, workers: int) -> Generator[AgeBatch]:
    """Make the same batches in other processes; without any, see `age_batches`.

    Raises:
        FacesError: a process died.
    """
    if workers < 1:
        yield from age_batches(faces, drawing)
        return
    with tempfile.TemporaryDirectory(prefix="faceage-train-") as folder:
        shared = Path(folder)
        np.save(shared / "canvases.npy", faces.canvases)
        pixels = sum(side * side * 3 for side in drawing.sides)
        queues = [
            in_backgrounds(
                _fill,
                [(shared, faces.template, drawing, worker, workers)],
                room=drawing.size * (pixels + _NUMBER_BYTES),
                waiting=_WAITING,
            )
            for worker in range(workers)
        ]
        for number in count(drawing.first):
            crops, chosen = next(queues[number % workers])
            yield AgeBatch(crops, faces.spans[chosen], chosen)


def _fill(
    shared: Path, template: CropTemplate, drawing: Drawing, worker: int, workers: int
) -> Iterator[tuple[dict[int, Pictures], NDArray[np.int64]]]:
    """In a process of its own: make every so-manieth batch."""
    # As many processes as cores: threads within one would only stand in each other's way.
    cv2.setNumThreads(1)
    canvases = np.load(shared / "canvases.npy", mmap_mode="r")
    for crops, chosen in _worn(canvases, template, drawing, worker, workers):
        yield _at_sides(crops, drawing.sides), chosen


def _worn(
    canvases: Pictures, template: CropTemplate, drawing: Drawing, part: int, parts: int
) -> Iterator[tuple[list[Pictures], NDArray[np.int64]]]:
    """Worn crops of the template's size, BGR, and which faces they are, of every `parts`-th
    batch."""
    for number, chosen in enumerate(_draws(drawing)):
        if number < drawing.first or number % parts != part:
            continue
        random = np.random.default_rng((drawing.seed, number))
        yield [wear(random, canvases[i], template, drawing.worn) for i in chosen], chosen


def _draws(drawing: Drawing) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(drawing.seed)
    shares = drawing.weights / drawing.weights.sum()
    even, faces = bool(np.ptp(shares) == 0), len(shares)
    waiting = np.empty(0, np.int64)
    while True:
        while len(waiting) < drawing.size:
            drawn = random.permutation(faces) if even else random.choice(faces, faces, p=shares)
            waiting = np.concatenate([waiting, drawn])
        chosen, waiting = waiting[: drawing.size], waiting[drawing.size :]
        yield chosen


def _at_sides(crops: Sequence[Pictures], sides: Sequence[int]) -> dict[int, Pictures]:
    return {side: resized(crops, side) for side in sides}


def resized(crops: Sequence[Pictures] | Pictures, side: int) -> Pictures:
    """Crops, each uint8 (height, width, 3), BGR, as uint8 (n, side, side, 3), RGB."""
    out = np.empty((len(crops), side, side, 3), np.uint8)
    for one, crop in zip(out, crops, strict=True):
        one[:] = (crop if crop.shape[0] == side else shrink(crop, side, side))[..., ::-1]
    return out


def validation_crops(faces: TrainingFaces, side: int) -> Pictures:
    """The faces as the device would cut them, unworn: uint8 (n, side, side, 3), RGB."""
    return resized(middle(faces.canvases, faces.template), side)
