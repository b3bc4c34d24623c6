"""Squares of composed scenes for the aligner: what the finder proposes, and what it might.

Chips alone taught it faces that end at the square's edge. In a scene a face has a head, shoulders
and a room around it, and the squares are those that the finder gives: on faces, beside them, and
on what is none.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.compose import PastedFace, Scene, compose_scenes
from faceage_calibration.faces import FaceSet
from faceage_calibration.pictures import Picture
from faceage_calibration.scene_filmed import FilmedFrame
from faceage_edge.candidates import patches, snapped, squared
from faceage_edge.geometry import Face, FrameBox
from faceage_edge.model import load_model
from faceage_edge.nms import overlap
from faceage_edge.single_shot import SingleShot
from faceage_models.aligner_network import ALIGNER_SIDE
from faceage_models.aligner_sample import Sample

__all__ = ["SampleStore", "SceneSquares", "loose_finder", "squares_of"]

# The finder's own threshold would let through too few mistakes to learn from.
_LOGIT = -3.0
# Overlap of a square with a face's own square: from the first on it shows the face, below the
# second it does not, and between them either answer is right.
_SHOWS, _BESIDE = 0.45, 0.25
_SHIFT, _SCALE = 0.08, 0.16
_SMALLEST = 10
# Of squares without a face, the most that one scene gives: rooms are larger than faces.
_MOST_WITHOUT = 8

_Random = np.random.Generator
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SceneSquares:
    """What scenes are composed of, and the finder that looks at them.

    `faces` are those of chips whose labels `labels` holds by digest; `finder` None: squares are
    drawn around the faces only.
    """

    faces: FaceSet
    labels: dict[str, Face]
    backgrounds: Sequence[Picture]
    filmed: Sequence[FilmedFrame]
    finder: SingleShot | None

    def samples(self, seed: int) -> Iterator[Sample]:
        """Yield samples of scene after scene, without end."""
        random = np.random.default_rng(seed)
        for epoch in count():
            order = random.permutation(len(self.faces.faces))
            scenes = compose_scenes(
                self.faces.only([self.faces.faces[i] for i in order]),
                lambda _picture, digest: self.labels.get(digest),
                seed=seed * 1_000_003 + epoch,
                backgrounds=self.backgrounds,
                filmed=self.filmed,
            )
            for scene in scenes:
                yield from squares_of(random, scene, self.finder)


class SampleStore:
    """The last few thousand samples of a stream; each is drawn a few times before it goes."""

    def __init__(self, source: Iterator[Sample], size: int) -> None:
        """Fill it.

        Args:
            source: without end.
            size: samples held.
        """
        self._source = source
        self._held = deque((next(source) for _ in range(size)), maxlen=size)

    def draw(self, random: _Random, number: int, fresh: int) -> list[Sample]:
        """Take new samples in, then draw some of all; the stream is kept going by `fresh`."""
        for _ in range(fresh):
            self._held.append(next(self._source))
        return [self._held[i] for i in random.integers(len(self._held), size=number)]


def loose_finder(path: Path) -> SingleShot:
    """Open a finder that proposes what it is not at all sure of.

    Raises:
        ModelFileError: the file is missing or damaged.
        ContractError: it is no single-shot network.
    """
    model = load_model(path)
    if (stage := model.contract.detector) is not None:
        model.contract = replace(model.contract, detector=replace(stage, logit_threshold=_LOGIT))
    return SingleShot(model)


def squares_of(random: _Random, scene: Scene, finder: SingleShot | None) -> list[Sample]:
    """Cut squares out of a scene, as the device cuts them, and say what they show.

    Args:
        random: chooses squares around the faces.
        scene: any.
        finder: proposes squares.

    Returns:
        Samples in random order.
    """
    faces = scene.faces
    squares = np.array([_beside(random, face.box) for face in faces]).reshape(-1, 4)
    if finder is not None:
        squares = np.concatenate([squares, squared(finder.propose(scene.frame).boxes)])
    squares = snapped(squares)
    squares = squares[squares[:, 2] - squares[:, 0] >= _SMALLEST]
    shown = [_shown(square, faces) for square in squares]
    kept = [i for i, index in enumerate(shown) if index is not None and index >= 0]
    without = [i for i, index in enumerate(shown) if index == -1]
    kept += random.permutation(without)[:_MOST_WITHOUT].astype(int).tolist()
    if not kept:
        return []
    crops = patches(scene.frame, squares[kept], (ALIGNER_SIDE, ALIGNER_SIDE))
    samples = [
        _sample(crop, squares[i], faces[index] if (index := shown[i] or 0) >= 0 else None)
        for crop, i in zip(crops, kept, strict=True)
    ]
    return [samples[i] for i in random.permutation(len(samples))]


def _beside(random: _Random, box: FrameBox) -> Floats:
    """A square about where the face's own would be."""
    side = max(box.width, box.height) * float(np.exp(random.normal(0, _SCALE)))
    x, y = np.array(box.center) + random.normal(0, _SHIFT, 2) * side
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])


def _shown(square: Floats, faces: Sequence[PastedFace]) -> int | None:
    """Which face a square shows, -1 for none, None where it cannot be said."""
    if not faces:
        return -1
    boxes = [(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in faces]
    shared = overlap(square, squared(np.array(boxes)))
    best = int(shared.argmax())
    if shared[best] >= _SHOWS:
        return best
    return -1 if shared[best] < _BESIDE else None


def _sample(crop: Picture, square: Floats, face: PastedFace | None) -> Sample:
    if face is None:
        return Sample.nothing(crop)
    side = square[2] - square[0]
    box = face.box
    edges = np.array([box.x, box.y, box.x + box.width, box.y + box.height])
    points = (face.landmarks.points + 0.5 - square[:2]) / side
    return Sample(
        crop.copy(),
        True,
        ((edges - square) / side).astype(np.float32),
        points.T.reshape(-1).astype(np.float32),
    )
