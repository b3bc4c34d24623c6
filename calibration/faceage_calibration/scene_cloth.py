"""What shapes of a composed scene are made of: one colour, a lit one, or a piece of a picture."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from faceage_calibration.pictures import Picture
from faceage_edge.crop import shrink

__all__ = ["colour_of", "dress", "part_of"]

_PLAIN = 0.35
_FINEST = 3.0
# Below this many pixels a side a pattern is a colour.
_SMALLEST = 6

_Random = np.random.Generator
Colour = tuple[float, float, float]


def colour_of(random: _Random, picture: Picture) -> Colour:
    """The colour of some pixel of a picture, uint8 (height, width, 3), BGR."""
    y, x = random.integers(picture.shape[0]), random.integers(picture.shape[1])
    b, g, r = picture[y, x]
    return float(b), float(g), float(r)


def dress(
    random: _Random, frame: Picture, mask: Picture, colour: Colour, cloths: Sequence[Picture]
) -> None:
    """Fill a shape of a frame, in place.

    Args:
        random: what chooses.
        frame: uint8 (height, width, 3), BGR.
        mask: uint8 (height, width), above 0 where the shape is.
        colour: BGR, of a plain or lit shape; a patterned one is mixed with it.
        cloths: pictures, uint8 (height, width, 3), BGR, to take patterns from; none: no patterns.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0 or height == 0:
        return
    area, shape = frame[y : y + height, x : x + width], mask[y : y + height, x : x + width] > 0
    if random.random() < _PLAIN or min(width, height) < _SMALLEST:
        area[shape] = np.rint(colour).astype(np.uint8)
        return
    if cloths and random.random() < 0.7:
        picture = cloths[int(random.integers(len(cloths)))]
        cloth = part_of(random, picture, width, height, most_reduced=_FINEST)
        share = np.float32(random.uniform(0, 0.8))
        values = cloth * (1 - share) + np.array(colour, np.float32) * share
    else:
        # Light from somewhere: four corners of the colour, brighter and darker.
        corners = np.array(colour, np.float32) * random.uniform(0.3, 1.3, (2, 2, 1))
        values = shrink(np.clip(corners, 0, 255).astype(np.uint8), width, height)
    area[shape] = np.asarray(values)[shape].astype(np.uint8)


def part_of(
    random: _Random,
    picture: Picture,
    width: int,
    height: int,
    *,
    least: float = 0.1,
    most_reduced: float = math.inf,
) -> Picture:
    """Cut a part of a picture with the aspect asked for and bring it to that size.

    Args:
        random: what chooses; half of the parts are mirrored.
        picture: uint8 (any height, any width, 3).
        width: of the part's picture in pixels.
        height: likewise.
        least: share of the largest possible part's sides that the smallest may have.
        most_reduced: how many pixels of the picture may become one, across.

    Returns:
        uint8 (height, width, 3).
    """
    full = min(picture.shape[1] / width, picture.shape[0] / height)
    reduced = min(full * random.uniform(least, 1.0), most_reduced)
    columns, rows = max(int(width * reduced), 2), max(int(height * reduced), 2)
    left = int(random.integers(max(picture.shape[1] - columns, 0) + 1))
    top = int(random.integers(max(picture.shape[0] - rows, 0) + 1))
    part = shrink(picture[top : top + rows, left : left + columns], width, height)
    return np.ascontiguousarray(part[:, ::-1]) if random.random() < 0.5 else part
