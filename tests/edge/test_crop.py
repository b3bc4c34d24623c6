"""The one place where pictures are warped: exact where it can be, close where it samples."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.crop import align, cut, cut_square, pad, shrink, warp
from faceage_edge.geometry import CropTemplate, FrameBox, FrameLandmarks, Similarity

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Noise = Callable[..., Picture]

POINTS = np.array([[12.0, 14.0], [28.0, 14.0], [20.0, 22.0], [14.0, 30.0], [26.0, 30.0]])
TEMPLATE = CropTemplate(40, 44, POINTS)


def turned(degrees: float, scale: float, shift: tuple[float, float]) -> Similarity:
    """From crop pixels to frame pixels."""
    turn = np.deg2rad(degrees)
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    return Similarity(np.array([[c, -s, shift[0]], [s, c, shift[1]]]))


def waves(points: Points, length: float) -> Points:
    """A smooth picture (n, 3) by its formula, so that any place's value is known."""
    x, y = points[:, 0] / length, points[:, 1] / length
    bands = [np.sin(x) * np.cos(y), np.cos(x + 1), np.sin(y + x / 2)]
    return np.stack([128 + 100 * band for band in bands], axis=1)


def grid(width: int, height: int) -> Points:
    """The pixel centres of a picture, (height * width, 2)."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)


def drawn(width: int, height: int, length: float) -> Picture:
    """The smooth picture as a frame."""
    values = waves(grid(width, height), length).round().clip(0, 255)
    return values.astype(np.uint8).reshape(height, width, 3)


def test_landmarks_on_the_template_cut_the_frame_out(noise: Noise) -> None:
    """Where nothing turns or scales, the crop is the frame's own pixels."""
    frame = noise(100, 120, 3)
    crop = align(frame, FrameLandmarks(POINTS + [31, 17]), TEMPLATE)
    np.testing.assert_array_equal(crop, frame[17 : 17 + 44, 31 : 31 + 40])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_exact(quarters: int, noise: Noise) -> None:
    """A face lying on its side gives the upright crop, pixel for pixel."""
    upright = noise(44, 40, 3)
    frame = np.ascontiguousarray(np.rot90(upright, quarters))
    points = POINTS
    width = 40
    for _ in range(quarters):  # np.rot90: (x, y) -> (y, width - 1 - x)
        points = np.stack([points[:, 1], width - 1 - points[:, 0]], axis=1)
        width = 44 if width == 40 else 40
    np.testing.assert_array_equal(align(frame, FrameLandmarks(points), TEMPLATE), upright)


# Degrees, frame pixels per crop pixel, note.
WARPS: list[tuple[float, float, str]] = [
    (0, 1.0, "as it is"),
    (0, 1.4, "a little smaller"),
    (15, 1.0, "tilted"),
    (-40, 1.9, "tilted, nearly halved"),
    (0, 2.0, "halved: averaged first"),
    (20, 2.6, "averaged by 2, then sampled"),
    (70, 3.5, "averaged by 3, then sampled"),
    (-120, 5.3, "averaged by 5, turned"),
    (0, 0.4, "enlarged"),
    (33, 0.15, "enlarged seven times"),
]


@pytest.mark.parametrize(("degrees", "scale", "note"), WARPS)
def test_a_warped_picture_warps_back(degrees: float, scale: float, note: str) -> None:
    """Every crop pixel shows the frame where the landmarks say, to a seventh of a pixel.

    The picture's slope is 100 / 7 levels a pixel of frame or crop, whichever is coarser: half a
    pixel off, which a wrong pixel convention would be, is 7 levels.
    """
    length = 7.0 * max(scale, 1.0)
    to_frame = turned(degrees, scale, (330.0, 330.0))
    frame = drawn(660, 660, length)
    crop = align(frame, FrameLandmarks(to_frame.apply(POINTS)), TEMPLATE)
    expected = waves(to_frame.apply(grid(40, 44)), length).reshape(44, 40, 3)
    difference = np.abs(crop.astype(float) - expected)
    assert difference.max() < 2
    # Nor is it off on average: what averaging flattens at the crests cancels out.
    assert abs((crop - expected).mean()) < 0.5


def test_beyond_the_frame_its_edge_repeats() -> None:
    """A face cut off by the frame's edge is continued by the edge's own colours."""
    frame = np.zeros((60, 60, 3), np.uint8)
    frame[:, :30] = (10, 20, 30)
    frame[:, 30:] = (200, 100, 50)
    for scale in (1.0, 3.0):
        left = align(frame, FrameLandmarks(POINTS * scale - [200, 0]), TEMPLATE)
        right = align(frame, FrameLandmarks(POINTS * scale + [200, 0]), TEMPLATE)
        assert (left == (10, 20, 30)).all()
        assert (right == (200, 100, 50)).all()
    half = align(frame, FrameLandmarks(POINTS - [20, 0]), TEMPLATE)
    assert (half[:, :20] == (10, 20, 30)).all()


def checkerboard(side: int) -> Picture:
    """Black and white in turn, the finest texture there is; 127.5 on average."""
    fields = np.indices((side, side)).sum(axis=0) % 2 * 255
    return np.repeat(fields[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("scale", "ripple", "note"),
    [
        (2.0, 0.6, "blocks of 2: half black, half white"),
        # Odd blocks hold one more of one colour: 5 of 9, so 127.5 +- 14.
        (3.0, 15.0, "blocks of 3"),
        (4.7, 0.6, "blocks of 4, then sampled"),
        (8.2, 0.6, "blocks of 8"),
    ],
)
def test_shrinking_keeps_the_mean_of_fine_texture(scale: float, ripple: float, note: str) -> None:
    """Skin texture below a crop pixel becomes its average, not a pattern of its own."""
    frame = checkerboard(400)
    crop = align(frame, FrameLandmarks(POINTS * scale + 3), TEMPLATE).astype(float)
    assert abs(crop.mean() - 127.5) <= 1.0
    assert np.abs(crop - 127.5).max() <= ripple


def test_plain_sampling_would_not() -> None:
    """What the test above guards against: sampling alone makes a pattern of full contrast."""
    matrix = np.array([[1 / 4.7, 0, 0.2], [0, 1 / 4.7, 0.3]])
    plain = np.asarray(cv2.warpAffine(checkerboard(400), matrix, (40, 44)))
    assert plain[2:-2, 2:-2].std() > 30


FACES: list[tuple[Points, str]] = [
    (np.zeros((5, 2)), "all in one point"),
    (np.full((5, 2), -1e6), "one point far away"),
    (np.array([[i, i] for i in range(5)]) * 1.0, "on a line"),
    (POINTS * [-1, 1], "mirrored"),
    (POINTS[[1, 0, 2, 4, 3]], "left and right swapped"),
    (POINTS * 1e-9, "smaller than a pixel"),
    (POINTS * 1e3, "a thousand times the frame"),
    (POINTS * 1e12, "larger than anything"),
    (POINTS * -1e30, "beyond whole numbers"),
    (POINTS + 1e9, "wholly outside, right and below"),
    (POINTS - 1e9, "wholly outside, left and above"),
    (POINTS * 50 + [1e5, 0], "large and outside"),
    (POINTS * 50 - [0, 1e5], "large and outside, above"),
]


@pytest.mark.parametrize(("points", "note"), FACES)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3), (90, 70)])
def test_any_landmarks_on_any_frame(points: Points, note: str, size: tuple[int, int]) -> None:
    """The crop has its shape and only colours of the frame, whatever the landmarks are."""
    frame = np.full((*size, 3), (9, 99, 199), np.uint8)
    crop = align(frame, FrameLandmarks(points), TEMPLATE)
    assert (crop.shape, crop.dtype) == ((44, 40, 3), np.uint8)
    assert (crop == (9, 99, 199)).all()


def test_a_panorama_wider_than_opencv_warps() -> None:
    """OpenCV's warp refuses sides of 32,767 pixels; the part that is seen is small."""
    frame = np.zeros((50, 40_000, 3), np.uint8)
    frame[:, 35_000:] = 80
    crop = align(frame, FrameLandmarks(POINTS + [34_980, 3]), TEMPLATE)
    assert (crop[:, :20] == 0).all()
    assert (crop[:, 20:] == 80).all()


def test_warp_leaves_the_frame_alone(noise: Noise) -> None:
    """The frame is read, never written; a view into a larger one serves as well."""
    large = noise(90, 90, 3)
    kept = large.copy()
    transform = Similarity(np.array([[0.3, 0.1, 2.0], [-0.1, 0.3, 9.0]]))
    seen = warp(large[10:80, 5:85], transform, 30, 20)
    np.testing.assert_array_equal(large, kept)
    np.testing.assert_array_equal(seen, warp(large[10:80, 5:85].copy(), transform, 30, 20))


# Upright boxes

BOXES: list[tuple[tuple[float, float, float, float], str]] = [
    ((-30, -30, 200, 200), "around the whole frame"),
    ((-500, 10, 20, 20), "left of it"),
    ((10, 500, 20, 20), "below it"),
    ((49.6, 49.6, 1, 1), "at its corner"),
    ((10, 10, 0, 0), "without area"),
    ((30, 30, -20, -20), "the wrong way round"),
    ((0.4, 0.4, 0.2, 0.2), "within one pixel"),
    ((1e9, 1e9, 5, 5), "far away"),
]


def test_a_box_inside_the_frame(noise: Noise) -> None:
    """At its own size the cut is the frame's pixels; at another it is the same as shrink."""
    frame = noise(60, 80, 3)
    inside = frame[7:31, 5:29]
    np.testing.assert_array_equal(cut(frame, FrameBox(5, 7, 24, 24), 24, 24), inside)
    np.testing.assert_array_equal(cut(frame, FrameBox(4.6, 7.4, 24, 24), 24, 24), inside)
    np.testing.assert_array_equal(cut(frame, FrameBox(5, 7, 24, 24), 12, 9), shrink(inside, 12, 9))
    np.testing.assert_array_equal(cut(frame, FrameBox(0, 0, 80, 60), 80, 60), frame)


@pytest.mark.parametrize(("x", "y"), [(-12, -6), (68, 0), (0, 54), (70, 50)])
def test_beyond_the_frame_is_grey(x: int, y: int) -> None:
    """What a box shows beyond the frame is 128, the MTCNN networks' zero."""
    frame = np.full((60, 80, 3), 250, np.uint8)
    seen = cut(frame, FrameBox(x, y, 24, 24), 24, 24)
    expected = np.full((24, 24, 3), 128, np.uint8)
    expected[max(-y, 0) : 60 - y, max(-x, 0) : 80 - x] = 250
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize(("box", "note"), BOXES)
@pytest.mark.parametrize("size", [(1, 1), (50, 50)])
def test_any_box_on_any_frame(
    box: tuple[float, float, float, float], note: str, size: tuple[int, int]
) -> None:
    """The cut has its shape and only the frame's colour, grey, and what lies between."""
    frame = np.full((*size, 3), 250, np.uint8)
    seen = cut(frame, FrameBox(*box), 24, 20)
    assert (seen.shape, seen.dtype) == ((20, 24, 3), np.uint8)
    assert seen.min() >= 128
    assert seen.max() <= 250


# Whole pictures


@pytest.mark.parametrize(
    ("side", "shown", "note"),
    [
        (30.4, 30, "grown: whole pixels"),
        (95.2, 95, "not yet halved"),
        (97.0, 96, "halved: an even side"),
        (97.1, 98, "the nearest one"),
        (210.0, 208, "quartered: a side in fours"),
        (0.2, 1, "smaller than a pixel"),
    ],
)
def test_a_square_says_what_it_shows(side: float, shown: int, note: str, noise: Noise) -> None:
    """A side that can be halved, around the same middle to a pixel."""
    left, top, whole = cut_square(noise(300, 300, 3), 40.3, 20.6, side, into=noise(48, 48, 3))
    assert whole == shown, note
    side = max(side, 1.0)
    assert abs(left + whole / 2 - (40.3 + side / 2)) <= 0.5
    assert abs(top + whole / 2 - (20.6 + side / 2)) <= 0.5


def test_a_square_of_the_wanted_size_is_cut_as_it_is(noise: Noise) -> None:
    """Nothing is resampled; beyond the frame it is grey."""
    frame = noise(100, 100, 3)
    picture = noise(48, 48, 3)
    shown = cut_square(frame, -8.0, 10.0, 48.0, into=picture)
    assert shown == (-8, 10, 48)
    np.testing.assert_array_equal(picture[:, 8:], frame[10:58, :40])
    assert (picture[:, :8] == 128).all()


@pytest.mark.parametrize("side", [96, 150, 192, 390])
def test_a_large_square_keeps_the_mean_of_fine_texture(side: int) -> None:
    """A chequerboard of one pixel turns grey, as in averaging; plain bilinear would keep some."""
    rows, columns = np.indices((400, 400))
    frame = np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    picture = np.empty((48, 48, 3), np.uint8)
    cut_square(frame, 1, 1, side, into=picture)
    # A whole number of pixels of both kinds in each block: half of 255, rounded.
    assert np.abs(picture.astype(int) - 127.5).max() <= 1


def test_shrink_averages_and_grows_smoothly(noise: Noise) -> None:
    """Halving is the mean of four pixels; growing stays between the neighbours."""
    picture = noise(20, 30, 3)
    blocks = picture.reshape(10, 2, 15, 2, 3).mean(axis=(1, 3))
    assert np.abs(shrink(picture, 15, 10) - blocks).max() <= 0.5
    np.testing.assert_array_equal(shrink(picture, 30, 20), picture)
    wide = np.zeros((10, 20, 3), np.uint8)
    shrink(picture, 15, 10, into=wide[:, :15])
    np.testing.assert_array_equal(wide[:, :15], shrink(picture, 15, 10))
    assert not wide[:, 15:].any()
    ramp = np.arange(10, dtype=np.uint8)[None, :, None].repeat(4, 0).repeat(3, 2) * 20
    grown = shrink(ramp, 40, 16).astype(int)
    assert (np.diff(grown, axis=1) >= 0).all()
    assert (grown.min(), grown.max()) == (0, 180)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (4000, 1), (33, 77)])
@pytest.mark.parametrize("wanted", [(1, 1), (7, 5), (640, 480)])
def test_shrink_takes_any_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """The result has the asked size, and a picture of one colour keeps it."""
    seen = shrink(np.full((*size, 3), (1, 2, 3), np.uint8), *wanted)
    assert seen.shape == (wanted[1], wanted[0], 3)
    assert (seen == (1, 2, 3)).all()


def test_pad_repeats_the_edge(noise: Noise) -> None:
    """The picture lies at the offset that is returned, its edge pixels around it."""
    picture = noise(20, 50, 3)
    padded, x, y = pad(picture, 0.3)
    assert (x, y, padded.shape) == (15, 6, (32, 80, 3))
    np.testing.assert_array_equal(padded[6:26, 15:65], picture)
    assert (padded[:6, :15] == picture[0, 0]).all()
    assert (padded[26:, 65:] == picture[-1, -1]).all()
    np.testing.assert_array_equal(padded[10, :15], np.repeat(picture[4, :1], 15, axis=0))
    assert pad(picture, 0.0)[0].shape == picture.shape
    assert pad(picture[:1, :1], 0.3)[0].shape == (1, 1, 3)


def test_faces_are_warped_in_one_file_only(repo_root: Path) -> None:
    """No other file of the packages resizes or warps: one crop for training and camera."""
    forbidden = re.compile(
        r"cv2\.(resize(?!Window)|warp\w*|remap|getRectSubPix|pyr(Up|Down)|linearPolar)"
        r"|tf\.image\.(resize|crop)|skimage\.transform|\.(thumbnail|affine_transform|zoom)\("
    )
    found = [
        path.relative_to(repo_root).as_posix()
        for path in sorted(repo_root.glob("*/faceage_*/**/*.py"))
        if forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["edge/faceage_edge/crop.py"]
