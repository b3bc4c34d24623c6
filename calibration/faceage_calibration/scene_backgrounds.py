"""What lies behind the faces of a composed scene, and what stands about in it."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceage_calibration.pictures import Picture
from faceage_edge.crop import shrink

__all__ = ["background", "distract", "scrambled"]

_MOST_THINGS = 8

_Random = np.random.Generator


def background(
    random: _Random, size: tuple[int, int], pictures: Sequence[Picture], scraps: Sequence[Picture]
) -> Picture:
    """Make a background: a part of a picture, a wall, noise, or a scrambled chip.

    Args:
        random: what chooses.
        size: width and height of the frame in pixels.
        pictures: without faces, uint8 (height, width, 3), BGR; used for half of the backgrounds.
        scraps: chips of faces, of which nothing recognisable is kept.

    Returns:
        uint8 (height, width, 3), BGR, the caller's own.
    """
    width, height = size
    if pictures and random.random() < 0.5:
        return _part(random, pictures[int(random.integers(len(pictures)))], width, height)
    kind = int(random.integers(3 if scraps else 2))
    if kind == 2:
        scrap = scraps[int(random.integers(len(scraps)))]
        return shrink(scrambled(random, scrap, int(random.integers(3, 9))), width, height)
    if kind == 1:
        # Noise of a few cells is a wall of blotches, of many cells it is foliage.
        cells = int(2 ** random.uniform(1, 8))
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        return shrink(noise, width, height)
    # Four corner colours, blended: a lit wall.
    return shrink(random.integers(0, 256, (2, 2, 3), dtype=np.uint8), width, height)


def _part(random: _Random, picture: Picture, width: int, height: int) -> Picture:
    """A part of a picture with the frame's aspect, a third to all of it, mirrored half the time."""
    share = random.uniform(0.35, 1.0)
    full = min(picture.shape[1] / width, picture.shape[0] / height)
    columns, rows = max(int(width * full * share), 2), max(int(height * full * share), 2)
    left = int(random.integers(picture.shape[1] - columns + 1))
    top = int(random.integers(picture.shape[0] - rows + 1))
    part = picture[top : top + rows, left : left + columns]
    if random.random() < 0.5:
        part = part[:, ::-1]
    return shrink(np.ascontiguousarray(part), width, height).copy()


def scrambled(random: _Random, chip: Picture, cells: int) -> Picture:
    """A chip cut into cells x cells blocks that are shuffled and turned: skin, hair, no face."""
    side = min(chip.shape[:2]) // cells
    blocks = [
        chip[y * side : (y + 1) * side, x * side : (x + 1) * side]
        for y in range(cells)
        for x in range(cells)
    ]
    order = random.permutation(len(blocks))
    turned = [np.rot90(blocks[i], int(random.integers(4))) for i in order]
    rows = [np.hstack(turned[row * cells : (row + 1) * cells]) for row in range(cells)]
    return np.ascontiguousarray(np.vstack(rows))


def distract(random: _Random, frame: Picture, scraps: Sequence[Picture], unit: float) -> None:
    """Put things that are no faces into a frame, in place.

    Args:
        random: what chooses.
        frame: uint8 (height, width, 3), BGR.
        scraps: chips of faces; scrambled, or their lower edge alone: necks and clothes.
        unit: pixels of the frame for one pixel at 640 x 480.
    """
    for _ in range(int(random.integers(_MOST_THINGS + 1))):
        side = max(round(float(np.exp(random.uniform(np.log(16), np.log(220)))) * unit), 6)
        kind = int(random.integers(4))
        if kind < 2 and scraps:
            scrap = scraps[int(random.integers(len(scraps)))]
            if kind:
                thing = scrambled(random, scrap, int(random.integers(3, 7)))
            else:
                thing = np.ascontiguousarray(scrap[-scrap.shape[0] // 6 :])
            _put(random, frame, shrink(thing, side, max(round(side * random.uniform(0.6, 1.4)), 6)))
        else:
            _draw(random, frame, side, round_thing=kind == 3)


def _put(random: _Random, frame: Picture, thing: Picture) -> None:
    height, width = min(thing.shape[0], frame.shape[0]), min(thing.shape[1], frame.shape[1])
    top = int(random.integers(frame.shape[0] - height + 1))
    left = int(random.integers(frame.shape[1] - width + 1))
    frame[top : top + height, left : left + width] = thing[:height, :width]


def _draw(random: _Random, frame: Picture, side: int, *, round_thing: bool) -> None:
    """A plain box, or an oval: the outline of a head with nothing in it."""
    x, y = (int(random.integers(limit)) for limit in (frame.shape[1], frame.shape[0]))
    b, g, r = (float(value) for value in random.integers(0, 256, 3))
    other = max(round(side * random.uniform(0.3, 1.5)), 2)
    if round_thing:
        cv2.ellipse(frame, (x, y), (side // 2 + 1, other // 2 + 1), 0, 0, 360, (b, g, r), -1)
    else:
        cv2.rectangle(frame, (x, y), (x + side, y + other), (b, g, r), -1)
