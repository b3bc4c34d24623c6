"""Which crops are read, and that a track's age is what reading every frame gives."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.camera_options import parser
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
        self.tracker = Tracker()

    def step(self, time_s: float, one: Face, picture: Picture = SHARP, *, years: float = 30) -> int:
        tracks = self.tracker.join([one], time_s)
        chosen = self.choice.choose(picture, [one], tracks, time_s)
        for crop in chosen:
            assert crop.crop.shape == (64, 64, 3)
            crop.track.read(AgeReading(years), crop.quality)
        self.age = tracks[0].age
        return len(chosen)

    def watch(self, readings: Sequence[float], fps: float = 25.0) -> list[float]:
        """The times at which a face was read that would give these readings, a frame each."""
        return [
            index / fps
            for index, years in enumerate(readings)
            if self.step(index / fps, face(), years=years)
        ]


def scattered(deviation: float, frames: int = 250, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).normal(35, deviation, frames))


def test_the_first_crop_is_always_read() -> None:
    """However bad it is: every face of a result has an age."""
    blurred = np.full_like(SHARP, 90)
    assert Loop(AgePolicy()).step(0.0, face(8, 0.1), blurred) == 1


@pytest.mark.parametrize("fps", [7.0, 12.5, 25.0, 30.0])
def test_crops_are_read_at_most_at_the_stated_rate_and_ever_less(fps: float) -> None:
    """A quarter of a second at first, longer with each reading, for a face of one age."""
    read = Loop(AgePolicy(every_s=0.25)).watch([30] * round(10 * fps), fps)
    gaps = np.diff(read)
    # A frame may come 5 ms early.
    assert (gaps >= 0.245 - 1e-9).all() and gaps[0] < 0.25 + 1 / fps
    assert gaps[-1] > 2 * gaps[0]


def test_a_camera_that_is_a_little_early_is_read_as_often() -> None:
    """At 25 frames a second a crop of every 0.08 s is that of every second frame, also with 2 ms of
    haste between them."""
    loop = Loop(AgePolicy(every_s=0.08))
    times = [index / 25 - 0.002 * (index % 4 > 1) for index in range(9)]
    years = scattered(8)
    read = [at for at, age in zip(times, years, strict=False) if loop.step(at, face(), years=age)]
    assert read == times[::2]


def test_a_face_whose_readings_agree_is_settled_and_one_whose_scatter_is_not() -> None:
    """What the policy's docstring says, of readings that differ by a year and by six."""
    counts = {}
    for deviation in (1, 6):
        reads = [Loop(AgePolicy()).watch(scattered(deviation, seed=seed)) for seed in range(20)]
        counts[deviation] = [np.mean([sum(at < s for at in read) for read in reads])
                             for s in (2.0, 10.0)]  # fmt: skip
    assert counts[1] == pytest.approx([11, 20], rel=0.15)
    assert counts[6] == pytest.approx([25, 60], rel=0.15)


@pytest.mark.parametrize("deviation", [0.5, 2.0, 4.0, 8.0])
def test_the_age_is_what_reading_every_frame_gives(deviation: float) -> None:
    """Half-way and at the end, within what so many fewer readings leave."""
    for seed in range(10):
        years = scattered(deviation, seed=seed)
        loop = Loop(AgePolicy())
        for upto in (125, 250):
            first = 0 if upto == 125 else 125
            read = sum(
                loop.step(index / 25, face(), years=years[index]) for index in range(first, upto)
            )
            readings = loop.age.readings
            # The mean of some of them misses that of all by deviation * sqrt(1/some - 1/all); four
            # times that is exceeded once in ten thousand draws.
            off = deviation * (1 / readings - 1 / upto) ** 0.5
            assert loop.age.reading().years == pytest.approx(np.mean(years[:upto]), abs=4 * off)
            assert read < upto / 2, "and not by reading them all"
    assert off < 0.9


def settled() -> Loop:
    """A face of 16 pixels that was read for a minute; the next reading is a second away."""
    loop = Loop(AgePolicy())
    for index, years in enumerate(scattered(4, 600)):
        loop.step(index / 10, face(16), years=years)
    return loop


@pytest.mark.parametrize(
    ("last", "picture", "least", "most", "note"),
    [
        (face(54), SHARP, 4, 10, "who comes nearer is read again, every second frame or more"),
        (face(16), SHARP, 0, 1, "who stays where they were is not"),
        (face(16, 0.5), SHARP, 0, 1, "a less sure face is not"),
        (face(12), SHARP, 0, 1, "nor a smaller one"),
        (face(54), blurred(4.0), 0, 3, "and hardly one that comes nearer in a blur"),
    ],
)
def test_once_settled_only_far_better_crops_are_read(
    last: Face, picture: Picture, least: int, most: int, note: str
) -> None:
    """Counted over a second, behind a few frames in which the face grows as a track may."""
    loop = settled()
    growing = [face(side) for side in (16, 24, 36) if side < last.box.width]
    for index, one in enumerate(growing):
        loop.step(60 + index / 10, one, picture, years=35)
    reads = [loop.step(60.3 + index / 10, last, picture, years=35) for index in range(10)]
    assert least <= sum(reads) <= most, (note, reads)
    assert loop.tracker.last_number == 1


def test_a_blurred_crop_is_looked_at_once_and_not_every_time() -> None:
    """How sharp the last one was is expected of the next: to cut a crop costs time, too."""
    loop = Loop(AgePolicy())
    for index in range(600):
        loop.step(index / 10, face())
    (track,) = loop.tracker.join([face()], 60.0)
    due = next(at / 10 for at in range(600, 900) if loop.step(at / 10, face(), blurred(4.0)) == 0
               and track.tried_s == at / 10)  # fmt: skip
    assert track.sharpness < sharpness(SHARP) / 2, "looked at, and found to be worth less"
    for index in range(1, 10):
        loop.step(due + index / 10, face(), blurred(4.0))
    assert track.tried_s == due


def test_everything_is_read_without_a_rate() -> None:
    """--every-frame: no wait, no comparison."""
    loop = Loop(AgePolicy(every_s=0.0))
    assert [loop.step(index / 100, face(60 - index)) for index in range(10)] == [1] * 10


def test_the_camera_reads_as_the_policy_says() -> None:
    """The option's default is the policy's; the command line cannot import it in time."""
    assert parser("faceage-camera").parse_args([]).age_every == AgePolicy().every_s


def test_blur_costs_sharpness() -> None:
    """0 for one colour, less the more a crop is blurred, below 1."""
    found = [sharpness(blurred(sigma)) for sigma in (0.1, 1.0, 2.0, 4.0)]
    assert found == sorted(found, reverse=True) and found[0] < 1
    assert sharpness(np.full_like(SHARP, 90)) == 0
