"""When a face need not be looked at again, and that it is when it moves, however slowly."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.aligner import Aligner
from faceage_edge.detector import Detector, load_detector
from faceage_edge.finding import PassPolicy, SparsePasses
from faceage_edge.follow import follow
from faceage_edge.geometry import FrameBox
from faceage_edge.resting import Rest, rests

Frame = npt.NDArray[np.uint8]
Change = Callable[[Frame], Frame]


@lru_cache(maxsize=1)
def detector() -> Detector:
    """The shipped face-finder."""
    return load_detector("face-finder")


def moved(frame: Frame, pixels: float) -> Frame:
    """The frame's content further right; parts of a pixel count."""
    shift = np.array([[1, 0, pixels], [0, 1, 0]], np.float32)
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(cv2.warpAffine(frame, shift, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def noisy(frame: Frame, levels: float, seed: int = 0) -> Frame:
    """The frame as a sensor of that noise sees it."""
    noise = np.random.default_rng(seed).normal(0, levels, frame.shape)
    return (frame + noise).round().clip(0, 255).astype(np.uint8)


CHANGES: list[tuple[Change, bool, str]] = [
    (lambda frame: frame, True, "nothing"),
    (lambda frame: noisy(frame, 2), True, "a sensor's noise"),
    (lambda frame: moved(frame, 0.3), True, "a quarter of a hundredth of the box"),
    (lambda frame: moved(frame, 2.5), False, "two hundredths"),
    (lambda frame: (frame * 0.8).astype(np.uint8), False, "the light"),
    (lambda frame: frame[:, ::-1], False, "somebody else"),
    (lambda frame: np.full_like(frame, 120), False, "nobody"),
    (lambda frame: noisy(frame, 30), False, "a picture of noise"),
]


@pytest.mark.parametrize(("change", "same", "note"), CHANGES, ids=[note for *_, note in CHANGES])
def test_what_makes_a_face_rest_no_more(
    change: Change, same: bool, note: str, astronaut: Frame
) -> None:
    """Noise and the smallest movements do not; what could change the answer does."""
    aligner = detector().aligner
    rest = Rest(FrameBox(165, 60, 115, 115), np.empty(0, np.uint8))
    rest = Rest(rest.square, aligner.cut(astronaut, rest.square).copy())
    assert rest.lasts(aligner, np.ascontiguousarray(change(astronaut))) == same, note


def test_a_wall_is_no_resting_face() -> None:
    """A square of one colour is the same only where it is the very same."""
    aligner, wall = detector().aligner, np.full((200, 200, 3), 90, np.uint8)
    square = FrameBox(20, 20, 100, 100)
    rest = Rest(square, aligner.cut(wall, square).copy())
    assert rest.lasts(aligner, wall)
    assert not rest.lasts(aligner, wall + np.uint8(1))


@pytest.mark.parametrize(("pixels", "still"), [(0, True), (3, True), (4, False)])
def test_a_box_that_swings_is_a_face_that_rests(pixels: float, still: bool) -> None:
    """By up to three hundredths of its width."""
    assert rests(FrameBox(50, 50, 100, 100), FrameBox(50 + pixels, 50, 100, 100)) == still


class Counting(Aligner):
    """Counts the looks."""

    def __init__(self, aligner: Aligner) -> None:
        self.__dict__ = aligner.__dict__
        self.looks = 0

    def settle(self, frame: Frame, squares: npt.NDArray[np.float64]) -> list[object]:  # type: ignore[override]
        self.looks += 1
        return list(super().settle(frame, squares))


def test_who_rests_is_not_looked_at(astronaut: Frame) -> None:
    """The same face is given again, and what its square showed then."""
    aligner = Counting(detector().aligner)
    (face,) = detector().detect(astronaut)
    first = follow(aligner, astronaut, [face])
    again = follow(aligner, noisy(astronaut, 2), [first.faces[0]], rests=first.rests)  # type: ignore[list-item]
    assert (again.faces, again.rests, aligner.looks) == (first.faces, first.rests, 1)
    elsewhere = follow(aligner, moved(astronaut, 6), [face], rests=first.rests)
    assert elsewhere.faces[0] is not first.faces[0] and aligner.looks == 2
    assert elsewhere.rests[0] is not first.rests[0]


class Own:
    """The shipped detector with an aligner that counts."""

    digest, scheme = "", "int8"

    def __init__(self) -> None:
        self.aligner = Counting(detector().aligner)

    def detect(self, frame: Frame, *, min_face: float | None = None) -> list[object]:
        return list(detector().detect(frame, min_face=min_face))


@pytest.mark.parametrize(
    ("speed", "levels", "least", "most", "note"),
    [
        (0.0, 0, 1, 4, "a still picture: the first looks, until its box rests"),
        (0.0, 2, 1, 20, "a person who rests"),
        (0.05, 0, 5, 60, "one who moves by a twentieth of a pixel a frame"),
        (2.0, 0, 98, 98, "one who walks is looked at in every frame"),
        (0.0, 30, 98, 98, "so is one in the dark"),
    ],
)
def test_the_box_stays_with_the_face(
    speed: float, levels: float, least: int, most: int, note: str, astronaut: Frame
) -> None:
    """With few looks as with many: in the end it is where a search of the frame finds it."""
    own = Own()
    sparse = SparsePasses(own, policy=PassPolicy(every=1000, every_s=1000.0, search=1000))  # type: ignore[arg-type]
    for index in range(100):
        frame = moved(astronaut, speed * index)
        frame = noisy(frame, levels, index) if levels else frame
        (face,) = sparse.find(frame, index / 25, new_scene=False)
    assert least <= own.aligner.looks <= most, note
    (truth,) = detector().detect(moved(astronaut, speed * 99))
    apart = np.subtract(face.box.center, truth.box.center)
    # What a look differs from the next one.
    assert np.abs(apart).max() < 0.04 * truth.box.width
