"""Lay the image pyramid out in canvases of one fixed size.

The proposal network then needs one call of a fixed shape for a usual frame, which suits XNNPACK
(a resize rebuilds its graph) and is all an Edge TPU can run. A cell of the network sees a window
of `cell` pixels; cells whose window leaves their level are never read, so the packed levels give
exactly what separate calls would, without gaps between them. Offsets are multiples of the
stride, which keeps every window on the grid it would have alone.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faceage_edge.crop import shrink

__all__ = ["Tile", "fill_canvases", "plan_pyramid"]

# Each level is smaller by this factor, the published default (Zhang et al. 2016, and the mtcnn
# package): half the area.
SCALE_STEP = 0.709
_FREE = 128


@dataclass(frozen=True)
class Tile:
    """A part of one pyramid level and its place in a canvas, all in pixels.

    `left`, `top` locate it in its level, `x`, `y` in canvas number `canvas`; `scale_x` and
    `scale_y` are level pixels per frame pixel.
    """

    level_width: int
    level_height: int
    left: int
    top: int
    width: int
    height: int
    scale_x: float
    scale_y: float
    canvas: int = -1
    x: int = 0
    y: int = 0


@lru_cache(maxsize=16)
def plan_pyramid(
    frame_size: tuple[int, int],
    min_face: float,
    canvas_size: tuple[int, int],
    *,
    cell: int,
    stride: int,
) -> tuple[Tile, ...]:
    """Decide the pyramid's levels and pack them.

    Args:
        frame_size: width and height of the frame in pixels.
        min_face: side of the smallest face to be found, in frame pixels.
        canvas_size: width and height of a canvas in pixels.
        cell: side of the network's window in pixels.
        stride: distance of neighbouring windows in pixels.

    Returns:
        Tiles with their places; the number of canvases is the highest `canvas` plus one. A level
        larger than a canvas is cut into tiles that overlap by `cell` - `stride`.

    Raises:
        ValueError: a canvas that holds no window.
    """
    if min(canvas_size) < cell:
        raise ValueError(f"a canvas of {canvas_size} holds no window of {cell} pixels")
    tiles: list[Tile] = []
    scale = cell / min_face
    while min(frame_size) * scale >= cell:
        width, height = (max(round(side * scale), cell) for side in frame_size)
        scales = (width / frame_size[0], height / frame_size[1])
        for left, tile_width in _cuts(width, canvas_size[0], cell, stride):
            for top, tile_height in _cuts(height, canvas_size[1], cell, stride):
                tiles.append(
                    Tile(width, height, left, top, tile_width, tile_height, scales[0], scales[1])
                )
        scale *= SCALE_STEP
    return _pack(tiles, canvas_size, stride)


def _cuts(side: int, room: int, cell: int, stride: int) -> list[tuple[int, int]]:
    """Start and length of the pieces that a side is cut into; a window is whole in just one."""
    step = (room - cell) // stride * stride + stride
    pieces = [(0, min(side, room))]
    while pieces[-1][0] + room < side:
        start = pieces[-1][0] + step
        pieces.append((start, min(side - start, room)))
    return pieces


def _pack(tiles: list[Tile], canvas_size: tuple[int, int], stride: int) -> tuple[Tile, ...]:
    """Place tiles, largest first, into the free rectangle they fit most tightly.

    The rule is "maximal rectangles, best short side fit" (J. Jylänki, "A thousand ways to pack
    the bin", 2010).
    """
    whole = (0, 0, *canvas_size)
    canvases: list[list[tuple[int, int, int, int]]] = []
    placed = []
    for tile in sorted(tiles, key=lambda tile: (-tile.width * tile.height, tile.left, tile.top)):
        # Rounded up so that the next tile starts on the grid again.
        width = min(-(-tile.width // stride) * stride, canvas_size[0])
        height = min(-(-tile.height // stride) * stride, canvas_size[1])
        options = [
            (min(w - width, h - height), number, x, y)
            for number, free in enumerate(canvases)
            for x, y, w, h in free
            if width <= w and height <= h
        ]
        if not options:
            canvases.append([whole])
            options = [(0, len(canvases) - 1, 0, 0)]
        _, number, x, y = min(options)
        canvases[number] = _without(canvases[number], (x, y, width, height))
        placed.append(Tile(**{**vars(tile), "canvas": number, "x": x, "y": y}))
    return tuple(placed)


def _without(
    free: list[tuple[int, int, int, int]], used: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """Free rectangles after one was used, the maximal ones only."""
    ux, uy, uw, uh = used
    left = []
    for x, y, w, h in free:
        if ux >= x + w or ux + uw <= x or uy >= y + h or uy + uh <= y:
            left.append((x, y, w, h))
            continue
        left += [
            piece
            for piece in (
                (x, y, ux - x, h),
                (ux + uw, y, x + w - ux - uw, h),
                (x, y, w, uy - y),
                (x, uy + uh, w, y + h - uy - uh),
            )
            if piece[2] > 0 and piece[3] > 0
        ]
    distinct = sorted(set(left))
    return [
        a
        for a in distinct
        if not any(
            a != b
            and b[0] <= a[0]
            and b[1] <= a[1]
            and b[0] + b[2] >= a[0] + a[2]
            and b[1] + b[3] >= a[1] + a[3]
            for b in distinct
        )
    ]


def fill_canvases(
    frame: npt.NDArray[np.uint8], tiles: tuple[Tile, ...], canvas_size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Draw the pyramid.

    Args:
        frame: uint8 (height, width, 3).
        tiles: the plan for frames of this size.
        canvas_size: width and height of a canvas in pixels.

    Returns:
        uint8 (canvases, canvas height, canvas width, 3); unused pixels are mid grey.
    """
    width, height = canvas_size
    count = max((tile.canvas for tile in tiles), default=-1) + 1
    canvases = np.full((count, height, width, 3), _FREE, dtype=np.uint8)
    levels: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}
    for tile in tiles:
        size = (tile.level_width, tile.level_height)
        if size not in levels:
            levels[size] = shrink(frame, *size)
        part = levels[size][tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        canvas = canvases[tile.canvas]
        canvas[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = part
    return canvases
