"""Batches for the finder's training: scenes composed at its input size, and their targets."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.compose import Scene, compose_scenes
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture, decode_picture
from faceage_calibration.scene_filmed import FilmedFrame, read_filmed
from faceage_edge.crop import shrink
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError
from faceage_models.finder_network import ANCHORS, FINDER_SIZE, STRIDES, grid_cells
from faceage_models.finder_targets import finder_targets
from faceage_models.scene_looks import looks_at

__all__ = [
    "SCENE_BYTES", "SceneBatch", "SceneSource", "read_backgrounds", "scene_batches",
    "training_batches", "training_faces",
]  # fmt: skip


# Of one scene in a batch: the frame's, and for each anchor a kind and four numbers.
SCENE_BYTES = FINDER_SIZE[0] * FINDER_SIZE[1] * 3 + sum(
    math.prod(grid_cells(stride)) * len(sides) * 17 for stride, sides in ANCHORS.items()
)
# A part of a background fills a frame of 640 x 480.
_LONGEST = 960


@dataclass(frozen=True)
class SceneSource:
    """Where scenes come from: a set of chips, pictures without faces, and clips of people.

    `whole`: the set is a training part already, see `training_faces`.
    """

    faces: Path
    backgrounds: tuple[Path, ...] = ()
    clips: tuple[Path, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class SceneBatch:
    """`frames` uint8 (n, 240, 320, 3), BGR; `kinds` and `boxes` the targets by stride.

    They are as `finder_targets` says, the kinds as int8: batches go from process to process.
    """

    frames: NDArray[np.uint8]
    kinds: dict[int, NDArray[np.int8]]
    boxes: dict[int, NDArray[np.float32]]


def scene_batches(
    faces: FaceSet,
    backgrounds: Sequence[Picture],
    *,
    size: int,
    seed: int,
    clips: Sequence[Path] = (),
    looks: int = 2,
) -> Iterator[SceneBatch]:
    """Compose batches without end; every pass over the faces takes them in another order.

    Args:
        faces: the training part.
        backgrounds: pictures without faces, uint8 BGR.
        size: scenes a batch.
        seed: of everything.
        clips: films of people.
        looks: how often each scene is shown, see `looks_at`.
    """
    teacher = load_detector("mtcnn", scheme="float32")
    cache, filmed = LandmarkCache(teacher), read_filmed(clips, teacher)
    random = np.random.default_rng((seed, 1))
    shown = looks_at(_scenes(faces, cache, backgrounds, filmed, seed), looks, random)
    while True:
        yield _batch(list(islice(shown, size)))


def _scenes(
    faces: FaceSet,
    cache: LandmarkCache,
    backgrounds: Sequence[Picture],
    filmed: Sequence[FilmedFrame],
    seed: int,
) -> Iterator[Scene]:
    for epoch in count():
        order = np.random.default_rng((seed, epoch)).permutation(len(faces.faces))
        yield from compose_scenes(
            faces.only([faces.faces[i] for i in order]),
            cache.find_face,
            seed=seed * 1_000_003 + epoch,
            width=FINDER_SIZE[0],
            height=FINDER_SIZE[1],
            backgrounds=backgrounds,
            filmed=filmed,
        )


def _batch(scenes: Sequence[Scene]) -> SceneBatch:
    targets = [finder_targets([face.box for face in scene.faces]) for scene in scenes]
    return SceneBatch(
        np.stack([scene.frame for scene in scenes]),
        {s: np.stack([target[s].kinds for target in targets]).astype(np.int8) for s in STRIDES},
        {s: np.stack([target[s].boxes for target in targets]) for s in STRIDES},
    )


def training_batches(source: SceneSource, size: int, seed: int, looks: int) -> Iterator[SceneBatch]:
    """Read the training part of a set and compose batches of it; see `scene_batches`.

    Raises:
        FacesError: a picture or the set cannot be read.
    """
    faces, backgrounds = training_faces(source), read_backgrounds(source.backgrounds)
    yield from scene_batches(
        faces, backgrounds, size=size, seed=seed, clips=source.clips, looks=looks
    )


def training_faces(source: SceneSource) -> FaceSet:
    """Read the faces that may be learnt from: the training part of `split_by_digest`.

    A set that was packed of that part alone, to be carried elsewhere, is taken whole.

    Raises:
        FacesError: the set cannot be read, or nothing would be left to train on.
    """
    faces = read_faces(source.faces)
    return faces if source.whole else split_by_digest(faces).train


def read_backgrounds(paths: Sequence[Path]) -> list[Picture]:
    """Read pictures without faces, large ones reduced to what frames need of them.

    Raises:
        FacesError: one is missing or no picture.
    """
    pictures = []
    for path in paths:
        try:
            pictures.append(_reduced(decode_picture(path.read_bytes(), str(path))))
        except OSError as error:
            raise FacesError(f"cannot read the background {path}: {error.strerror}") from error
    return pictures


def _reduced(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    scale = _LONGEST / max(height, width)
    if scale >= 1:
        return picture
    return shrink(picture, max(round(width * scale), 1), max(round(height * scale), 1))
