"""What lies behind the faces of a composed scene, and what stands about in it."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceage_calibration.pictures import Picture
from faceage_calibration.scene_cloth import colour_of, dress, part_of
from faceage_edge.crop import shrink

__all__ = ["background", "distract", "scrambled"]

_MOST_THINGS = 8
_PICTURES = 0.65

_Random = np.random.Generator


def background(
    random: _Random, size: tuple[int, int], pictures: Sequence[Picture], scraps: Sequence[Picture]
) -> Picture:
    """Make a background: a part of a picture, a wall, noise, or a scrambled chip.

    Args:
        random: what chooses.
        size: width and height of the frame in pixels.
        pictures: without faces, uint8 (height, width, 3), BGR; used for most of the backgrounds.
        scraps: chips of faces, of which nothing recognisable is kept.

    Returns:
        uint8 (height, width, 3), BGR, the caller's own.
    """
    width, height = size
    if pictures and random.random() < _PICTURES:
        picture = pictures[int(random.integers(len(pictures)))]
        return part_of(random, picture, width, height, least=0.25).copy()
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


def distract(
    random: _Random,
    frame: Picture,
    scraps: Sequence[Picture],
    unit: float,
    cloths: Sequence[Picture] = (),
) -> None:
    """Put things that are no faces into a frame, in place.

    Args:
        random: what chooses.
        frame: uint8 (height, width, 3), BGR.
        scraps: chips of faces; scrambled, their lower edge alone (necks and clothes), or the
            colour of their skin (hands, arms, knees).
        unit: pixels of the frame for one pixel at 640 x 480.
        cloths: pictures, uint8 (height, width, 3), BGR, whose parts things may show.
    """
    for _ in range(int(random.integers(_MOST_THINGS + 1))):
        side = max(round(float(np.exp(random.uniform(np.log(16), np.log(220)))) * unit), 6)
        kind = int(random.integers(5))
        if kind == 4 and scraps:
            _limb(random, frame, side, scraps[int(random.integers(len(scraps)))])
        elif kind < 2 and scraps:
            scrap = scraps[int(random.integers(len(scraps)))]
            if kind:
                thing = scrambled(random, scrap, int(random.integers(3, 7)))
            else:
                thing = np.ascontiguousarray(scrap[-scrap.shape[0] // 6 :])
            _put(random, frame, shrink(thing, side, max(round(side * random.uniform(0.6, 1.4)), 6)))
        else:
            _draw(random, frame, side, cloths, round_thing=kind == 3)


def _put(random: _Random, frame: Picture, thing: Picture) -> None:
    height, width = min(thing.shape[0], frame.shape[0]), min(thing.shape[1], frame.shape[1])
    top = int(random.integers(frame.shape[0] - height + 1))
    left = int(random.integers(frame.shape[1] - width + 1))
    frame[top : top + height, left : left + width] = thing[:height, :width]


def _draw(
    random: _Random, frame: Picture, side: int, cloths: Sequence[Picture], *, round_thing: bool
) -> None:
    """A box, or an oval: the outline of a head with no face in it."""
    x, y = (int(random.integers(limit)) for limit in (frame.shape[1], frame.shape[0]))
    b, g, r = (float(value) for value in random.integers(0, 256, 3))
    other = max(round(side * random.uniform(0.3, 1.5)), 2)
    mask = np.zeros(frame.shape[:2], np.uint8)
    if round_thing:
        cv2.ellipse(mask, (x, y), (side // 2 + 1, other // 2 + 1), 0, 0, 360, 255, -1)
    else:
        cv2.rectangle(mask, (x, y), (x + side, y + other), 255, -1)
    dress(random, frame, mask, (b, g, r), cloths)


def _limb(random: _Random, frame: Picture, side: int, scrap: Picture) -> None:
    """An arm or a hand: a few thick strokes of one skin, from the middle of a chip."""
    height, width = scrap.shape[:2]
    skin = colour_of(random, scrap[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3])
    at = np.array([random.integers(frame.shape[1]), random.integers(frame.shape[0])], float)
    mask = np.zeros(frame.shape[:2], np.uint8)
    for _ in range(int(random.integers(1, 6))):
        to = at + random.normal(0, 0.7 * side, 2)
        ends = tuple(np.rint(at).astype(int).tolist()), tuple(np.rint(to).astype(int).tolist())
        cv2.line(mask, *ends, 255, max(round(side * random.uniform(0.08, 0.4)), 2))
        at = to if random.random() < 0.5 else at
    dress(random, frame, mask, skin, [scrap])
