"""The packed pyramid: every window of every level once, and the network sees no difference."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.bundles import find
from faceage_edge.crop import shrink
from faceage_edge.model import Model, load_model
from faceage_edge.pyramid import SCALE_STEP, Tile, fill_canvases, plan_pyramid

Frame = npt.NDArray[np.uint8]
Noise = Callable[..., Frame]

# The shipped proposal network's canvas, window and stride.
CANVAS, CELL, STRIDE = (272, 248), 12, 2

# Frame (width, height), smallest face, canvas, note.
PLANS: list[tuple[tuple[int, int], float, tuple[int, int], str]] = [
    ((640, 480), 40, CANVAS, "a camera"),
    ((480, 640), 40, CANVAS, "a camera on its side"),
    ((1280, 720), 20, CANVAS, "levels larger than the canvas"),
    ((720, 1280), 33.3, CANVAS, "a tall one, a size that divides nothing"),
    ((333, 251), 17, CANVAS, "odd sizes"),
    ((2000, 13), 12, CANVAS, "a strip one window high"),
    ((13, 2000), 12, CANVAS, "a strip one window wide"),
    ((12, 12), 12, CANVAS, "one window"),
    ((300, 300), 12, (61, 47), "an odd canvas: offsets stay on the stride"),
    ((100, 100), 12, (12, 12), "a canvas of one window"),
    ((4000, 3000), 100, CANVAS, "a photograph"),
]
PLAN = pytest.mark.parametrize(("size", "min_face", "canvas", "note"), PLANS)


def plan(
    size: tuple[int, int], min_face: float, canvas: tuple[int, int] = CANVAS
) -> tuple[Tile, ...]:
    """A plan with the shipped network's window."""
    return plan_pyramid(size, min_face, canvas, cell=CELL, stride=STRIDE)


def windows(tile: Tile) -> list[tuple[int, int]]:
    """Top left corners, in the level, of the windows that lie in a tile."""
    columns = range(0, tile.width - CELL + 1, STRIDE)
    rows = range(0, tile.height - CELL + 1, STRIDE)
    return [(tile.left + x, tile.top + y) for y in rows for x in columns]


@PLAN
def test_every_window_of_every_level_once(
    size: tuple[int, int], min_face: float, canvas: tuple[int, int], note: str
) -> None:
    """Cut and packed, the levels have exactly the windows that they would have alone."""
    levels: dict[tuple[int, int], Counter[tuple[int, int]]] = {}
    for tile in plan(size, min_face, canvas):
        levels.setdefault((tile.level_width, tile.level_height), Counter()).update(windows(tile))
    assert levels
    for (width, height), found in levels.items():
        alone = windows(Tile(width, height, 0, 0, width, height, 1, 1))
        assert found == Counter(alone)


@PLAN
def test_tiles_lie_apart_on_the_grid(
    size: tuple[int, int], min_face: float, canvas: tuple[int, int], note: str
) -> None:
    """Within their canvas, at multiples of the stride, none over another."""
    tiles = plan(size, min_face, canvas)
    taken = np.zeros((max(tile.canvas for tile in tiles) + 1, canvas[1], canvas[0]), dtype=int)
    for tile in tiles:
        assert (tile.x % STRIDE, tile.y % STRIDE) == (0, 0)
        assert tile.x + tile.width <= canvas[0]
        assert tile.y + tile.height <= canvas[1]
        taken[tile.canvas, tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] += 1
    assert taken.max() == 1
    assert all(canvas.any() for canvas in taken)


@PLAN
def test_levels_shrink_step_by_step(
    size: tuple[int, int], min_face: float, canvas: tuple[int, int], note: str
) -> None:
    """From the smallest face's scale down to one window, each level 0.709 of the one before."""
    levels = sorted({(t.level_width, t.level_height) for t in plan(size, min_face, canvas)})[::-1]
    for number, level in enumerate(levels):
        scale = CELL / min_face * SCALE_STEP**number
        for side, scaled in zip(size, level, strict=True):
            assert abs(scaled - max(side * scale, CELL)) <= 0.5
    assert min(levels[-1]) < CELL / SCALE_STEP + 1
    for tile in plan(size, min_face, canvas):
        assert tile.scale_x == tile.level_width / size[0]
        assert tile.scale_y == tile.level_height / size[1]


@pytest.mark.parametrize(
    ("size", "min_face", "canvases", "note"),
    [
        ((640, 480), 40, 1, "what the canvas was made for"),
        ((480, 640), 40, 1, "and on its side"),
        ((320, 240), 20, 1, "half the size, half the face"),
        ((1920, 1080), 90, 2, "full HD, a twelfth of its height"),
        ((13, 12), 12.5, 0, "just less than a window"),
        ((640, 480), 1000, 0, "no face of that size fits"),
        ((640, 480), 480, 1, "one that just fits"),
        ((11, 11), 12, 0, "smaller than a window"),
        ((1, 1), 12, 0, "one pixel"),
        ((2000, 11), 12, 0, "too low for a window"),
        ((640, 480), 1e300, 0, "absurd"),
        ((640, 480), float("inf"), 0, "infinite"),
        ((640, 480), float("nan"), 0, "not a number"),
    ],
)
def test_how_many_canvases(
    size: tuple[int, int], min_face: float, canvases: int, note: str, noise: Noise
) -> None:
    """A usual frame takes one call of the network; a frame without a window takes none."""
    tiles = plan(size, min_face)
    filled = fill_canvases(noise(size[1], size[0], 3), tiles, CANVAS)
    assert filled.shape == (canvases, 248, 272, 3)


def test_a_canvas_without_a_window_is_refused() -> None:
    """Cutting levels into pieces smaller than a window would never end."""
    for canvas in ((11, 100), (100, 11)):
        with pytest.raises(ValueError, match="holds no window of 12"):
            plan((640, 480), 40, canvas)


def test_canvases_hold_the_levels_pixels(noise: Noise) -> None:
    """Each tile is its part of the shrunk frame; everything else is mid grey."""
    frame = noise(240, 320, 3)
    tiles = plan((320, 240), 12)
    canvases = fill_canvases(frame, tiles, CANVAS)
    for tile in tiles:
        level = shrink(frame, tile.level_width, tile.level_height)
        area = (slice(tile.y, tile.y + tile.height), slice(tile.x, tile.x + tile.width))
        part = level[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        np.testing.assert_array_equal(canvases[tile.canvas][area], part)
        canvases[tile.canvas][area] = 128
    assert (canvases == 128).all()


def test_equal_frames_have_equal_plans() -> None:
    """The order of tiles is fixed, so results repeat; the plan is made once a size."""
    plan_pyramid.cache_clear()
    first = plan((1280, 720), 25)
    assert plan((1280, 720), 25) is first
    plan_pyramid.cache_clear()
    assert plan((1280, 720), 25) == first


@lru_cache(maxsize=2)
def proposal(scheme: str) -> Model:
    """The shipped proposal network."""
    return load_model(find("mtcnn") / f"mtcnn-pnet.{scheme}.tflite")


@pytest.mark.parametrize(
    ("size", "min_face", "note"),
    [
        ((640, 480), 40, "a camera"),
        ((480, 640), 40, "a camera on its side"),
        ((500, 400), 16, "levels cut into tiles, several canvases"),
        ((111, 97), 12, "odd sizes"),
    ],
)
@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_packed_levels_give_what_each_gives_alone(
    scheme: str, size: tuple[int, int], min_face: float, note: str, noise: Noise
) -> None:
    """Neighbours in the canvas change no window of a level: int8 exactly, float to 1e-5."""
    model = proposal(scheme)
    assert (model.contract.input.width, model.contract.input.height) == CANVAS
    # Noise under smooth light: something for the network to answer to.
    frame = shrink(noise(30, 40, 3), *size) // 2 + noise(size[1], size[0], 3) // 2
    tiles = plan(size, min_face)
    packed = model.run_raw(fill_canvases(frame, tiles, CANVAS))
    for tile in tiles:
        single = Tile(**{**vars(tile), "canvas": 0, "x": 0, "y": 0})
        alone = model.run_raw(fill_canvases(frame, (single,), CANVAS))
        for name in packed:
            seen = cells(packed[name], tile)
            if scheme == "int8":
                np.testing.assert_array_equal(seen, cells(alone[name], single))
            else:
                np.testing.assert_allclose(seen, cells(alone[name], single), atol=1e-5)
    logits = packed["face_logit"]
    assert len(np.unique(logits)) > 20


def cells(values: npt.NDArray[Any], tile: Tile) -> npt.NDArray[Any]:
    """The network's answers to the windows of a tile."""
    rows = (tile.height - CELL) // STRIDE + 1
    columns = (tile.width - CELL) // STRIDE + 1
    top, left = tile.y // STRIDE, tile.x // STRIDE
    return values[tile.canvas, top : top + rows, left : left + columns]


def test_a_level_in_tiles_gives_what_it_gives_whole(noise: Noise) -> None:
    """A level cut because a canvas is too small has the answers it has in one piece."""
    model = proposal("float32")
    frame = shrink(noise(30, 40, 3), 250, 230)
    whole = model.run(
        fill_canvases(frame, (Tile(250, 230, 0, 0, 250, 230, 1, 1, 0, 0, 0),), CANVAS)
    )
    # The same level as a plan for a smaller canvas cuts it, each tile alone in the real canvas.
    cut = [
        t for t in plan((250, 230), 12, (101, 90)) if (t.level_width, t.level_height) == (250, 230)
    ]
    assert len(cut) == 9
    for tile in cut:
        single = Tile(**{**vars(tile), "canvas": 0, "x": 0, "y": 0})
        seen = model.run(fill_canvases(frame, (single,), CANVAS))["face_logit"]
        place = Tile(**{**vars(tile), "canvas": 0, "x": tile.left, "y": tile.top})
        np.testing.assert_allclose(
            cells(seen, single), cells(whole["face_logit"], place), atol=1e-5
        )
