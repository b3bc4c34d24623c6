"""Batches for the finder's training: scenes composed at its input size, and their targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.compose import Scene, compose_scenes
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture, decode_picture
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError
from faceage_models.finder_network import FINDER_SIZE, STRIDES
from faceage_models.finder_targets import finder_targets

__all__ = ["SceneBatch", "SceneSource", "read_backgrounds", "scene_batches", "training_batches"]


@dataclass(frozen=True)
class SceneSource:
    """Where scenes come from: a set like FairFace's, and pictures without faces."""

    faces: Path
    backgrounds: tuple[Path, ...] = ()


@dataclass(frozen=True)
class SceneBatch:
    """`frames` uint8 (n, 240, 320, 3), BGR; `kinds` and `boxes` the targets by stride."""

    frames: NDArray[np.uint8]
    kinds: dict[int, NDArray[np.float32]]
    boxes: dict[int, NDArray[np.float32]]


def scene_batches(
    faces: FaceSet, backgrounds: Sequence[Picture], *, size: int, seed: int
) -> Iterator[SceneBatch]:
    """Compose batches without end; every pass over the faces takes them in another order.

    Args:
        faces: the training part.
        backgrounds: pictures without faces, uint8 BGR.
        size: scenes a batch.
        seed: of everything.
    """
    cache = LandmarkCache(load_detector("mtcnn", scheme="float32"))
    pending: list[Scene] = []
    for epoch in count():
        order = np.random.default_rng((seed, epoch)).permutation(len(faces.faces))
        shuffled = faces.only([faces.faces[i] for i in order])
        scenes = compose_scenes(
            shuffled,
            cache.find_face,
            seed=seed * 1_000_003 + epoch,
            width=FINDER_SIZE[0],
            height=FINDER_SIZE[1],
            backgrounds=backgrounds,
        )
        for scene in scenes:
            pending.append(scene)
            if len(pending) == size:
                yield _batch(pending)
                pending = []


def _batch(scenes: Sequence[Scene]) -> SceneBatch:
    targets = [finder_targets([face.box for face in scene.faces]) for scene in scenes]
    return SceneBatch(
        np.stack([scene.frame for scene in scenes]),
        {s: np.stack([target[s].kinds for target in targets]) for s in STRIDES},
        {s: np.stack([target[s].boxes for target in targets]) for s in STRIDES},
    )


def training_batches(source: SceneSource, size: int, seed: int) -> Iterator[SceneBatch]:
    """Read the training part of a set and compose batches of it; see `scene_batches`.

    Raises:
        FacesError: a picture or the set cannot be read.
    """
    faces = split_by_digest(read_faces(source.faces)).train
    yield from scene_batches(faces, read_backgrounds(source.backgrounds), size=size, seed=seed)


def read_backgrounds(paths: Sequence[Path]) -> list[Picture]:
    """Read pictures without faces.

    Raises:
        FacesError: one is missing or no picture.
    """
    pictures = []
    for path in paths:
        try:
            pictures.append(decode_picture(path.read_bytes(), str(path)))
        except OSError as error:
            raise FacesError(f"cannot read the background {path}: {error.strerror}") from error
    return pictures
