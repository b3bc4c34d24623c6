"""Batches for the aligner's training: squares on and beside faces, spoilt as cameras spoil them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_calibration.faces import FaceSet
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture
from faceage_calibration.scene_backgrounds import background, distract, scrambled
from faceage_calibration.scene_faces import MIRRORED, ChipFace, occluded
from faceage_calibration.scene_filmed import read_filmed
from faceage_calibration.scene_spoils import spoil
from faceage_edge.crop import shrink, warp
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError
from faceage_edge.geometry import Similarity
from faceage_models.aligner_network import ALIGNER_SIDE
from faceage_models.aligner_sample import Sample
from faceage_models.aligner_scenes import SampleStore, SceneSquares, loose_finder
from faceage_models.aligner_teacher import FaceLabel, averaged_label
from faceage_models.finder_scenes import SceneSource, read_backgrounds, training_faces

__all__ = ["AlignerBatch", "LabelledChip", "aligner_batches", "face_sample", "label_chips"]
__all__ += ["no_face_sample"]

_FACE_SHARE = 0.62
_SHIFT, _MOST_SHIFT = 0.07, 0.18
_SCALE, _MOST_SCALE = 0.12, 0.27
_MOST_LEAN = math.radians(22)
_OCCLUDED = 0.15
_SMALL, _SMALLEST = 0.35, 16
# A third stays as clean as its chip: landmarks are learnt where they can be seen.
_SPOILT = 0.65
# Squares beyond the frame are grey there (crop.cut).
_GREY_EDGE, _GREY = 0.08, 128
# Share of a batch that comes from scenes, how many squares of scenes are held, and how many of
# them are new in a batch: composing is slow, and a square may serve a few times.
_SCENES, _HELD, _FRESH = 0.5, 6000, 24
_MIDDLE = slice(ALIGNER_SIDE // 2, ALIGNER_SIDE // 2 + ALIGNER_SIDE)
# Overlap with the face's square below which a square shows no face.
_BESIDE = 0.3

_Random = np.random.Generator
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LabelledChip:
    """A chip and the teacher's label of its face."""

    chip: ChipFace
    label: FaceLabel


@dataclass(frozen=True)
class AlignerBatch:
    """`crops` uint8 (n, 48, 48, 3); `faces` float32 (n,), 1 or 0; `boxes` (n, 4), `landmarks`
    (n, 10) as the network's outputs."""

    crops: NDArray[np.uint8]
    faces: Floats
    boxes: Floats
    landmarks: Floats


def label_chips(faces: FaceSet, *, seed: int) -> list[LabelledChip]:
    """Find and label the faces of chips; those that the teacher is not sure of are left out."""
    teacher = load_detector("mtcnn", scheme="float32")
    cache = LandmarkCache(teacher)
    random = np.random.default_rng(seed)
    chips = []
    for source in faces.faces:
        picture = source.picture()
        face = cache.find_face(picture, source.digest)
        label = averaged_label(picture, face, teacher.aligner, random) if face else None
        if face is not None and label is not None:
            chips.append(LabelledChip(ChipFace(source, picture, face), label))
    return chips


def face_sample(random: _Random, one: LabelledChip) -> Sample:
    """Cut a square around a face, off its middle, leaning, hidden or small."""
    chip = occluded(random, one.chip) if random.random() < _OCCLUDED else one.chip
    picture = chip.picture
    (x1, y1, x2, y2), points = one.label.box, one.label.points
    side = max(x2 - x1, y2 - y1)
    side *= math.exp(float(np.clip(random.normal(0, _SCALE), -_MOST_SCALE, _MOST_SCALE)))
    off = np.clip(random.normal(0, _SHIFT, 2), -_MOST_SHIFT, _MOST_SHIFT) * side
    # Boxes count from the edges of pixels, transforms from their centres.
    middle = np.array([x1 + x2, y1 + y2]) / 2 - 0.5
    lean = float(np.clip(random.normal(0, 0.5), -1, 1)) * _MOST_LEAN
    transform = _square(middle + off, side, lean)
    crop = warp(picture, transform, ALIGNER_SIDE, ALIGNER_SIDE)
    landmarks = (transform.apply(points) + 0.5) / ALIGNER_SIDE
    # A leaning face keeps its upright box around the turned middle.
    centre = (transform.apply(middle[None])[0] + 0.5) / ALIGNER_SIDE
    half = np.array([x2 - x1, y2 - y1]) / side / 2
    box = np.concatenate([centre - half, centre + half]) - np.array([0, 0, 1, 1])
    if random.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
        landmarks = np.column_stack([1 - landmarks[:, 0], landmarks[:, 1]])[MIRRORED]
        box = np.array([-box[2], box[1], -box[0], box[3]])
    return Sample(
        _worn(random, crop),
        True,
        box.astype(np.float32),
        landmarks.T.reshape(-1).astype(np.float32),
    )


def no_face_sample(random: _Random, one: LabelledChip, backgrounds: Sequence[Picture]) -> Sample:
    """Cut a square that shows no face: beside one, a part of one, far around one, or none near.

    Args:
        random: what chooses.
        one: a chip whose surroundings or scrambled pieces may be shown.
        backgrounds: pictures without faces, uint8 BGR.
    """
    kind = int(random.integers(5))
    size = (ALIGNER_SIDE, ALIGNER_SIDE)
    if kind == 0:
        crop = background(random, size, backgrounds, [one.chip.picture])
    elif kind == 4:
        # Things on a wall, one of them an oval in the middle as often as not.
        room = background(random, (2 * ALIGNER_SIDE,) * 2, backgrounds, [one.chip.picture])
        distract(random, room, [one.chip.picture], 0.4)
        crop = room[_MIDDLE, _MIDDLE].copy()
        if random.random() < 0.5:
            axes = tuple(int(axis) for axis in random.integers(8, 26, 2))
            b, g, r = (float(value) for value in random.integers(0, 256, 3))
            cv2.ellipse(crop, (ALIGNER_SIDE // 2,) * 2, axes, 0, 0, 360, (b, g, r), -1)
    elif kind == 1:
        pieces = scrambled(random, one.chip.picture, int(random.integers(3, 7)))
        crop = shrink(pieces, *size)
    else:
        crop = warp(one.chip.picture, _beside(random, one.label), *size)
    return Sample.nothing(_worn(random, crop))


def _beside(random: _Random, label: FaceLabel) -> Similarity:
    x1, y1, x2, y2 = label.box
    own = max(x2 - x1, y2 - y1)
    middle = np.array([x1 + x2, y1 + y2]) / 2 - 0.5
    while True:
        side = own * math.exp(random.uniform(math.log(0.2), math.log(2.2)))
        off = random.uniform(-1, 1, 2) * (own + side) / 2
        shared = np.maximum((own + side) / 2 - np.abs(off), 0)
        shared = float(np.prod(np.minimum(shared, min(own, side))))
        if shared / (own**2 + side**2 - shared) < _BESIDE:
            return _square(middle + off, side, float(random.uniform(-0.4, 0.4)))


def _square(middle: NDArray[np.float64], side: float, lean: float) -> Similarity:
    """The transform of a leaning square, its middle in pixel centres, to the network's input."""
    scale = ALIGNER_SIDE / side
    cos, sin = scale * math.cos(lean), scale * math.sin(lean)
    turn = np.array([[cos, -sin], [sin, cos]])
    return Similarity(np.column_stack([turn, (ALIGNER_SIDE - 1) / 2 - turn @ middle]))


def _worn(random: _Random, crop: Picture) -> Picture:
    """Small, spoilt, and at the frame's edge, each sometimes."""
    if random.random() < _SMALL:
        small = int(random.integers(_SMALLEST, ALIGNER_SIDE))
        crop = shrink(shrink(crop, small, small), ALIGNER_SIDE, ALIGNER_SIDE)
    if random.random() < _SPOILT:
        crop = spoil(random, crop, 0.5)[0]
    if random.random() < _GREY_EDGE:
        crop = np.rot90(crop).copy() if (turns := int(random.integers(4))) % 2 else crop.copy()
        crop[:, : int(random.integers(1, ALIGNER_SIDE // 4))] = _GREY
        crop = np.ascontiguousarray(np.rot90(crop, -1) if turns % 2 else crop)
    return crop


def aligner_batches(
    source: SceneSource, size: int, seed: int, finder: Path | None = None
) -> Iterator[AlignerBatch]:
    """Make batches without end from the training part of a set.

    Args:
        source: faces, and pictures without any.
        size: crops a batch.
        seed: of everything.
        finder: the trained finder's .tflite, whose squares are shown, the mistaken ones too.

    Raises:
        FacesError: the set cannot be read, or the teacher sees no face in it.
        ModelFileError: the finder is missing or damaged.
    """
    faces = training_faces(source)
    chips = label_chips(faces, seed=seed)
    if not chips:
        raise FacesError(f"no face was found in {source.faces}; give pictures of one face each")
    backgrounds = read_backgrounds(source.backgrounds)
    store = SampleStore(_scene_squares(source, faces, chips, finder, backgrounds, seed), _HELD)
    random = np.random.default_rng(seed)
    from_scenes = round(size * _SCENES)
    while True:
        samples = store.draw(random, from_scenes, _FRESH)
        for index in random.integers(len(chips), size=size - from_scenes):
            chip = chips[index]
            if random.random() < _FACE_SHARE:
                samples.append(face_sample(random, chip))
            else:
                samples.append(no_face_sample(random, chip, backgrounds))
        yield AlignerBatch(
            np.stack([one.crop for one in samples]),
            np.array([one.is_face for one in samples], np.float32),
            np.stack([one.box for one in samples]),
            np.stack([one.landmarks for one in samples]),
        )


def _scene_squares(
    source: SceneSource,
    faces: FaceSet,
    chips: Sequence[LabelledChip],
    finder: Path | None,
    backgrounds: Sequence[Picture],
    seed: int,
) -> Iterator[Sample]:
    labels = {one.chip.source.digest: one.label.as_face() for one in chips}
    filmed = read_filmed(source.clips, load_detector("mtcnn", scheme="float32"))
    opened = None if finder is None else loose_finder(finder)
    return SceneSquares(faces, labels, backgrounds, filmed, opened).samples(seed)
