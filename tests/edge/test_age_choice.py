"""Which crops are read, and that a track's age is what reading every frame gives."""

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.fused_age import AgeReading
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks
from faceage_edge.sharpness import sharpness
from faceage_edge.tracking import Tracker

Picture = npt.NDArray[np.uint8]
SHARES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
TEMPLATE = CropTemplate(64, 64, SHARES * 64)
SHARP: Picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def face(side: float = 60.0, score: float = 0.9) -> Face:
    return Face(FrameBox(50, 50, side, side), FrameLandmarks(SHARES * side + 50), score)


def blurred(sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(SHARP, (0, 0), sigma), np.uint8)


class Loop:
    """Chooses and reads, a frame after the other, as the camera loop does."""

    def __init__(self, policy: AgePolicy) -> None:
        self.choice = AgeChoice(TEMPLATE, policy)
        self.tracker = Tracker(keep=policy.keep)

    def step(self, time_s: float, one: Face, picture: Picture = SHARP) -> int:
        tracks = self.tracker.join([one], time_s)
        chosen = self.choice.choose(picture, [one], tracks, time_s)
        for crop in chosen:
            assert crop.crop.shape == (64, 64, 3)
            crop.track.read(AgeReading(30), crop.quality)
        return len(chosen)


def test_the_first_crop_is_always_read() -> None:
    """However bad it is: every face of a result has an age."""
    blurred = np.full_like(SHARP, 90)
    assert Loop(AgePolicy()).step(0.0, face(8, 0.1), blurred) == 1


def test_crops_are_read_at_most_at_the_stated_rate_and_ever_less() -> None:
    """A quarter of a second at first, longer with each reading."""
    loop = Loop(AgePolicy(keep=50, every_s=0.25))
    read = [index / 25 for index in range(250) if loop.step(index / 25, face())]
    gaps = np.diff(read)
    assert gaps[0] >= 0.25 and gaps[-1] > 2 * gaps[0]
    assert (gaps >= 0.25).all()


def test_only_better_crops_are_read_once_there_are_enough() -> None:
    """A smaller, a blurred and a less sure one are passed over, a larger one is read."""
    loop = Loop(AgePolicy(keep=3, every_s=0.1))
    for index in range(3):
        assert loop.step(float(index), face(40)) == 1
    assert loop.step(10.0, face(30)) == 0
    assert loop.step(20.0, face(40, 0.5)) == 0
    assert loop.step(30.0, face(44), blurred(4.0)) == 0
    assert loop.step(40.0, face(60)) == 1


def test_everything_is_read_where_all_is_kept() -> None:
    """--every-frame: no rate, no comparison."""
    loop = Loop(AgePolicy(keep=None))
    assert [loop.step(index / 100, face(60 - index)) for index in range(10)] == [1] * 10


def test_blur_costs_sharpness() -> None:
    """0 for one colour, less the more a crop is blurred, below 1."""
    found = [sharpness(blurred(sigma)) for sigma in (0.1, 1.0, 2.0, 4.0)]
    assert found == sorted(found, reverse=True) and found[0] < 1
    assert sharpness(np.full_like(SHARP, 90)) == 0
