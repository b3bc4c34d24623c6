"""Compose scenes of several faces from pictures of single ones, with the truth known.

Chips of data sets show one large face each. A detector also meets small faces, several at once,
blur, noise, darkness, hands and walls; its training, its ranges and its tests need them, and
photographs with known boxes are few. Training asks for the train part of `digest_split`, at the
network's own frame size; benchmarks for the test part at 640 x 480.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.pictures import Picture
from faceage_calibration.scene_backgrounds import background, distract
from faceage_calibration.scene_faces import ChipFace, Placement, occluded, paste, placed, surround
from faceage_calibration.scene_filmed import FilmedFrame, put_filmed
from faceage_calibration.scene_spoils import spoil
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = ["SIZES", "FindFace", "PastedFace", "Scene", "compose_scenes"]

# Heights of the faces in pixels of a 640 x 480 frame, drawn evenly on a logarithmic scale: on a
# camera, faces twice as far away are half as large.
SIZES = (20.0, 300.0)
_USUAL = (640, 480)
_MOST_FACES = 6
_TRIES = 12
_OCCLUDED_SHARE = 0.15
# One scene in ten is empty: most of what a camera sees.
_EMPTY_SHARE = 0.1
# Where there are filmed frames: clips show few people, who are not to be learnt by heart.
_FILMED_SHARE = 0.15

_Random = np.random.Generator
# Says where the face of a picture, uint8 (height, width, 3) BGR, of a digest is, or None;
# `LandmarkCache.find_face` is one.
FindFace = Callable[[Picture, str], Face | None]


@dataclass(frozen=True)
class PastedFace:
    """One face of a scene; `source` is None for one that was filmed there.

    `box` and `landmarks` are in pixels of the frame, in the convention of the detector that found
    them on the chip; `tags` say what makes it hard: `blur`, `noise`, `dark`, `occluded`, `profile`
    (turned so far that the nose is near an eye's line), `cut` (partly outside the frame).
    """

    source: LabelledFace | None
    box: FrameBox
    landmarks: FrameLandmarks
    tags: frozenset[str]


@dataclass(frozen=True)
class Scene:
    """One frame, uint8 (height, width, 3), BGR, and the faces in it."""

    frame: Picture
    faces: tuple[PastedFace, ...]


def compose_scenes(
    faces: FaceSet,
    find: FindFace,
    *,
    seed: int = 0,
    width: int = 640,
    height: int = 480,
    backgrounds: Sequence[Picture] = (),
    filmed: Sequence[FilmedFrame] = (),
) -> Iterator[Scene]:
    """Compose scenes until every face has been used once.

    Args:
        faces: the faces, used in the set's order; those that `find` does not see are left out.
        find: where the face of a chip is.
        seed: of sizes, places, backgrounds and spoiling; the same seed, the same scenes.
        width: of the frames in pixels; at least 160. Faces are `SIZES` high at 640 x 480, and as
            much smaller as the frame is.
        height: of the frames in pixels; at least 120.
        backgrounds: pictures without faces, uint8 (height, width, 3), BGR; cut and scaled at
            random, they take turns with gradients, noise and scrambled chips.
        filmed: frames with people in them, shown in some of the scenes.

    Yields:
        Scenes of up to six faces whose boxes hardly overlap.

    Raises:
        ValueError: a frame below the smallest size.
        FacesError: a picture cannot be decoded.
    """
    if width < 160 or height < 120:
        raise ValueError(f"a {width} x {height} frame is too small, expected 160 x 120 at least")
    random = np.random.default_rng(seed)
    waiting = list(faces.faces)[::-1]
    while waiting:
        yield _scene(random, waiting, find, (width, height), backgrounds, filmed)


def _scene(
    random: _Random,
    waiting: list[LabelledFace],
    find: FindFace,
    size: tuple[int, int],
    backgrounds: Sequence[Picture],
    filmed: Sequence[FilmedFrame],
) -> Scene:
    unit = min(size[0] / _USUAL[0], size[1] / _USUAL[1])
    wanted = 0 if random.random() < _EMPTY_SHARE else int(random.integers(1, _MOST_FACES + 1))
    chips = _chips(waiting, wanted, find)
    scraps = [chip.picture for chip in chips] or [waiting[-1].picture()] if waiting else []
    frame = background(random, size, backgrounds, scraps)
    distract(random, frame, scraps, unit, backgrounds)
    there: list[tuple[FrameBox, FrameLandmarks]] = []
    if filmed and random.random() < _FILMED_SHARE:
        shown = filmed[int(random.integers(len(filmed)))]
        there = put_filmed(random, frame, shown, _some_side(random, unit))
    spots: list[tuple[ChipFace, Placement]] = []
    for chip in chips:
        taken = [box for box, _ in there] + [other.box for _, other in spots]
        spot = _free_spot(random, chip, taken, size, unit)
        if spot is None:
            # No room: the face waits for a later scene.
            waiting.append(chip.source)
            continue
        spots.append((chip, spot))
    # All surroundings first: nobody's shoulders hide another's face.
    for chip, spot in spots:
        surround(random, frame, chip.picture, spot.box, backgrounds)
    pasted = [_pasted(random, frame, chip, spot) for chip, spot in spots]
    pasted += [PastedFace(None, box, points, frozenset()) for box, points in there]
    frame, tags = spoil(random, frame, unit)
    return Scene(frame, tuple(replace(face, tags=face.tags | tags) for face in pasted))


def _chips(waiting: list[LabelledFace], wanted: int, find: FindFace) -> list[ChipFace]:
    chips: list[ChipFace] = []
    while waiting and len(chips) < wanted:
        source = waiting.pop()
        picture = source.picture()
        face = find(picture, source.digest)
        if face is not None:
            chips.append(ChipFace(source, picture, face))
    return chips


def _free_spot(
    random: _Random,
    chip: ChipFace,
    taken: Sequence[FrameBox],
    size: tuple[int, int],
    unit: float,
) -> Placement | None:
    """Somewhere for a face beside those already there, the first always somewhere."""
    for _ in range(_TRIES):
        spot = placed(random, chip, _some_side(random, unit), size)
        if not taken or not any(_touch(spot.box, other) for other in taken):
            return spot
    return None


def _some_side(random: _Random, unit: float) -> float:
    low, high = np.log(SIZES[0] * unit), np.log(SIZES[1] * unit)
    return float(np.exp(random.uniform(low, high)))


def _touch(one: FrameBox, other: FrameBox) -> bool:
    """Whether two faces' surroundings, their boxes grown by a fifth, overlap."""
    (x, y), (other_x, other_y) = one.center, other.center
    return abs(x - other_x) < 0.6 * (one.width + other.width) and abs(y - other_y) < 0.6 * (
        one.height + other.height
    )


def _pasted(
    random: _Random, frame: npt.NDArray[np.uint8], chip: ChipFace, spot: Placement
) -> PastedFace:
    tags = set(spot.tags)
    if random.random() < _OCCLUDED_SHARE:
        chip = occluded(random, chip)
        tags.add("occluded")
    paste(random, frame, chip, spot)
    return PastedFace(chip.source, spot.box, spot.landmarks, frozenset(tags))
