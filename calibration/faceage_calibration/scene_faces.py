"""Put the face of a chip into a scene: where it goes, what hides it, how its edge blends."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import LabelledFace
from faceage_calibration.pictures import Picture
from faceage_calibration.scene_cloth import colour_of, dress
from faceage_edge.crop import warp
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, Similarity

__all__ = [
    "MIRRORED",
    "ChipFace",
    "Placement",
    "is_profile",
    "mirrored_points",
    "occluded",
    "paste",
    "placed",
    "surround",
]

# The order of landmarks in a mirrored picture: left and right are as seen.
MIRRORED = [1, 0, 2, 4, 3]
# Heads lean; beyond this upright detectors are not asked to follow.
_MOST_LEAN = math.radians(20)
# One face in ten may lie partly outside the frame, by at most this share of its sides.
_CUT_SHARE, _MOST_CUT = 0.1, 0.35
_SURROUNDED = 0.7
# Chips end about where their face does. Mirrored at its edge, a chip goes on as skin, hair and
# cloth do, but only so far that no second eye appears; from there on its last pixels repeat.
_CONTINUED, _MIRRORED_EDGE, _BEYOND = 0.7, 0.12, 0.45
# Share of the way from eye to eye, along their line, at which a frontal face's nose is 0.5.
_PROFILE = 0.3

_Random = np.random.Generator


@dataclass(frozen=True)
class ChipFace:
    """A picture of one face, uint8 (height, width, 3), BGR, and where the face is in it."""

    source: LabelledFace
    picture: Picture
    face: Face


@dataclass(frozen=True)
class Placement:
    """Where a chip goes: `transform` maps chip pixels, mirrored first if so, to frame pixels.

    `box` and `landmarks` are the face's in the frame; `tags` what its place makes it.
    """

    transform: Similarity
    mirrored: bool
    box: FrameBox
    landmarks: FrameLandmarks
    tags: frozenset[str]


def mirrored_points(points: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Landmarks, float64 (5, 2) in pixels, of a picture's mirror image, `width` pixels wide."""
    return np.column_stack([width - 1 - points[:, 0], points[:, 1]])[MIRRORED]


def is_profile(landmarks: FrameLandmarks) -> bool:
    """Whether a face is turned so far that its nose has left the middle three fifths of its eyes.

    The nose's place along the line from eye to eye is 0.5 from the front, and leaves 0 to 1 in
    full profile.
    """
    left, right, nose = landmarks.points[:3]
    along = right - left
    place = float((nose - left) @ along) / max(float(along @ along), 1e-9)
    return abs(place - 0.5) > _PROFILE


def placed(random: _Random, chip: ChipFace, side: float, size: tuple[int, int]) -> Placement:
    """Choose a place for a face.

    Args:
        random: what chooses.
        chip: the face.
        side: height that its box shall have in the frame, in pixels.
        size: width and height of the frame in pixels.
    """
    mirrored = bool(random.random() < 0.5)
    box, points = chip.face.box, chip.face.landmarks.points
    # Boxes count from the edges of pixels, transforms from their centres: half a pixel apart.
    centre = np.array(box.center) - 0.5
    if mirrored:
        flip = chip.picture.shape[1] - 1
        centre = np.array([flip - centre[0], centre[1]])
        points = mirrored_points(points, chip.picture.shape[1])
    scale = side / box.height
    width = box.width * scale
    target = _target(random, np.array([width, side]), np.array(size, float))
    lean = random.normal(0, 0.4) * _MOST_LEAN if random.random() < 0.7 else 0.0
    lean = float(np.clip(lean, -_MOST_LEAN, _MOST_LEAN))
    turn = scale * np.array([[math.cos(lean), -math.sin(lean)], [math.sin(lean), math.cos(lean)]])
    transform = Similarity(np.column_stack([turn, target - turn @ centre]))
    landmarks = FrameLandmarks(transform.apply(points))
    left, top = target + 0.5 - np.array([width, side]) / 2
    at = FrameBox(float(left), float(top), width, side)
    tags = {"cut"} if _is_cut(at, size) else set()
    if is_profile(chip.face.landmarks):
        tags.add("profile")
    return Placement(transform, mirrored, at, landmarks, frozenset(tags))


def _is_cut(box: FrameBox, size: tuple[int, int]) -> bool:
    """Whether more than a twentieth of a box's side is outside the frame."""
    return bool(
        max(-box.x, box.x + box.width - size[0]) > 0.05 * box.width
        or max(-box.y, box.y + box.height - size[1]) > 0.05 * box.height
    )


def _target(
    random: _Random, box: npt.NDArray[np.float64], size: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Where the box's centre goes, in pixel centres."""
    margin = 0.5 - (_MOST_CUT if random.random() < _CUT_SHARE else 0.0)
    low = np.minimum(box * margin, size / 2)
    return np.asarray(random.uniform(low, size - low) - 0.5)


def occluded(random: _Random, chip: ChipFace) -> ChipFace:
    """Hide a part of a face: a mask over mouth and nose, a hand-sized patch, or a bar.

    Returns:
        A chip with a picture of its own; at most half of the face's box is hidden.
    """
    box = chip.face.box
    picture = chip.picture.copy()
    colour = _colour(random, picture)
    kind = int(random.integers(3))
    x1, y1, x2, y2 = box.x, box.y, box.x + box.width, box.y + box.height
    if kind == 0:
        # Below the eyes: a mask or a scarf.
        top = y1 + box.height * random.uniform(0.55, 0.7)
        corners = [(x1, top), (x2, top), (x2, y2 + 0.2 * box.height), (x1, y2 + 0.2 * box.height)]
    else:
        wide, high = ((0.5, 0.5), (1.2, 0.25))[kind - 1]
        cx, cy = random.uniform(x1, x2), random.uniform(y1, y2)
        dx, dy = box.width * wide / 2, box.height * high / 2
        angle = random.uniform(-0.6, 0.6)
        cos, sin = math.cos(angle), math.sin(angle)
        around = ((-dx, -dy), (dx, -dy), (dx, dy), (-dx, dy))
        corners = [(cx + x * cos - y * sin, cy + x * sin + y * cos) for x, y in around]
    cv2.fillConvexPoly(picture, np.rint(corners).astype(np.int32), colour, cv2.LINE_AA)
    return replace(chip, picture=picture)


def _colour(random: _Random, picture: Picture) -> tuple[float, float, float]:
    """A colour of cloth, or of the picture itself: skin, hair and clothes."""
    if random.random() < 0.5:
        b, g, r = (float(value) for value in random.integers(0, 256, 3))
        return b, g, r
    return colour_of(random, picture)


def paste(random: _Random, frame: Picture, chip: ChipFace, spot: Placement) -> None:
    """Blend a chip into a frame, in place, as a rectangle or as a head, with a soft or hard edge.

    Args:
        random: what chooses the edge.
        frame: uint8 (height, width, 3), BGR.
        chip: the face.
        spot: from `placed` for this chip and a frame of this size.
    """
    picture = np.ascontiguousarray(chip.picture[:, ::-1]) if spot.mirrored else chip.picture
    transform, reach, beyond = spot.transform, 0.8, 0.0
    if random.random() < _CONTINUED:
        picture, transform, beyond = *_continued(picture, transform), _BEYOND
        reach = 1.1
    corners = transform.apply(_corners(picture, beyond))
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    right, bottom = min(right, frame.shape[1]), min(bottom, frame.shape[0])
    if right <= left or bottom <= top:
        return
    corner = np.array([left, top], float)
    matrix = transform.matrix.copy()
    matrix[:, 2] -= corner
    patch = warp(picture, Similarity(matrix), right - left, bottom - top)
    mask = _mask(random, spot.box, corners - corner, corner, patch.shape[:2], reach)[..., None]
    area = frame[top:bottom, left:right]
    area[:] = np.rint(patch * mask + area * (1 - mask)).astype(np.uint8)


def _continued(picture: Picture, transform: Similarity) -> tuple[Picture, Similarity]:
    """A chip with its own mirror image around it, and the transform of that."""
    height, width = picture.shape[:2]
    x, y = round(width * _MIRRORED_EDGE), round(height * _MIRRORED_EDGE)
    around = cv2.copyMakeBorder(picture, y, y, x, x, cv2.BORDER_REFLECT_101)
    matrix = transform.matrix.copy()
    matrix[:, 2] -= matrix[:, :2] @ (x, y)
    return np.asarray(around, np.uint8), Similarity(matrix)


def _corners(picture: Picture, beyond: float) -> npt.NDArray[np.float64]:
    """Corners of a picture that is larger by a share of its sides, in its pixels, (4, 2)."""
    height, width = picture.shape[:2]
    x, y = width * beyond, height * beyond
    right, bottom = width - 1 + x, height - 1 + y
    return np.array([[-x, -y], [right, -y], [right, bottom], [-x, bottom]], float)


def surround(
    random: _Random,
    frame: Picture,
    picture: Picture,
    box: FrameBox,
    cloths: Sequence[Picture] = (),
) -> None:
    """Put what surrounds faces where one will be: hair and neck as ovals, shoulders.

    Args:
        random: what chooses; three faces in ten get nothing.
        frame: uint8 (height, width, 3), BGR; drawn on.
        picture: the chip, which lends its colours.
        box: where the face will be, in pixels of the frame.
        cloths: pictures, uint8 (height, width, 3), BGR, whose parts hair and clothes may show.
    """
    if random.random() >= _SURROUNDED:
        return
    x, y = box.center
    for _ in range(int(random.integers(1, 4))):
        wide, high = random.uniform(0.45, 1.1) * box.width, random.uniform(0.45, 1.1) * box.height
        off = random.normal(0, 0.2, 2) * (box.width, box.height)
        centre = (round(x + off[0]), round(y + off[1] - 0.15 * box.height))
        axes = (max(round(wide), 1), max(round(high), 1))
        mask = np.zeros(frame.shape[:2], np.uint8)
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
        dress(random, frame, mask, _colour(random, picture), cloths)
    if random.random() < 0.6:
        wide, below = (
            random.uniform(0.6, 1.8) * box.width,
            y + random.uniform(0.45, 0.8) * box.height,
        )
        neck = 0.35 * box.width
        corners = [(x - neck, below), (x + neck, below)]
        corners += [(x + wide, below + 0.5 * box.height), (x + wide, below + 2 * box.height)]
        corners += [(x - wide, below + 2 * box.height), (x - wide, below + 0.5 * box.height)]
        mask = np.zeros(frame.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255)
        dress(random, frame, mask, _colour(random, picture), cloths)


def _mask(
    random: _Random,
    box: FrameBox,
    corners: npt.NDArray[np.float64],
    corner: npt.NDArray[np.float64],
    shape: tuple[int, ...],
    reach: float,
) -> npt.NDArray[np.float32]:
    """How much of the chip shows, float32 (height, width), 0 to 1.

    `reach` is how far from the box's middle it may at most, in sides of the box.
    """
    mask = np.zeros(shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 1.0)
    # Chips end about where a detector's box does. The edge of what is pasted must say nothing of
    # where the box is: it lies inside or outside of it, as an oval or with straight sides.
    part = np.zeros_like(mask)
    middle = np.array(box.center) - corner
    if random.random() < 0.5:
        x, y = middle + random.normal(0, 0.04, 2) * (box.width, box.height)
        axes = (
            round(box.width * random.uniform(0.42, reach)),
            round(box.height * random.uniform(0.42, reach)),
        )
        cv2.ellipse(part, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1)
    else:
        sides = np.array([box.width, box.height])
        left, top = middle - sides * random.uniform(0.42, reach, 2)
        right, bottom = middle + sides * random.uniform(0.42, reach, 2)
        ends = (round(left), round(top)), (round(right), round(bottom))
        cv2.rectangle(part, *ends, 1.0, -1)
    mask = np.minimum(mask, part)
    if random.random() < 0.7:
        soft = max(box.height * random.uniform(0.02, 0.08), 0.3)
        # Eroded first, so that the edge fades within the chip.
        mask = cv2.GaussianBlur(mask, (0, 0), soft) * mask
    return np.asarray(mask, np.float32)
