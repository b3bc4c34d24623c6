"""Track numbers from boxes alone."""

import numpy as np
import pytest

from faceage_edge.fused_age import AgeReading
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.tracking import Tracker, affinity, frontality, quality, tracked

CROP_SIDE = 128.0
FRONTAL = FrameLandmarks(np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], float))


def face(x: float, y: float = 100, side: float = 60, score: float = 0.9) -> Face:
    return Face(FrameBox(x, y, side, side), FRONTAL, score)


def follow(
    *frames: list[Face], every_s: float = 0.1, tracker: Tracker | None = None
) -> list[list[int]]:
    """The track numbers of each frame's faces."""
    tracker = tracker or Tracker()
    return [
        [track.number for track in tracker.join(faces, index * every_s)]
        for index, faces in enumerate(frames)
    ]


@pytest.mark.parametrize(
    ("frames", "expected", "note"),
    [
        ([[], [face(0)], [face(5)]], [[], [1], [1]], "numbers begin at 1"),
        ([[face(0), face(200)], [face(205), face(5)]], [[1, 2], [2, 1]], "the order may change"),
        ([[face(0)], [face(40)]], [[1], [1]], "hardly any overlap, yet near"),
        ([[face(0)], [face(60)]], [[1], [2]], "a whole side away: someone else"),
        ([[face(0)], [face(0, side=200)]], [[1], [2]], "much larger: someone nearer"),
        ([[face(0)], [face(0), face(3)]], [[1], [1, 2]], "one old, one new in the same place"),
        ([[face(0), face(30)], [face(28)]], [[1, 2], [2]], "the surest pair wins"),
        ([[face(0)], [], [], [face(4)]], [[1], [], [], [1]], "missed twice, remembered"),
        ([[face(0, side=0)], [face(0, side=0)]], [[1], [2]], "boxes without area never match"),
    ],
)
def test_faces_keep_their_numbers(
    frames: list[list[Face]], expected: list[list[int]], note: str
) -> None:
    """Who overlaps or is near is the same person; everyone else is new."""
    assert follow(*frames) == expected, note


def test_every_pair_with_an_affinity_is_joined() -> None:
    """Wherever and however large: what is left out before it is weighed weighs nothing."""
    random = np.random.default_rng(4)
    kept = 0
    for _ in range(2000):
        one, other = (
            FrameBox(*random.uniform(0, 60, 2), *random.uniform(1, 60, 2)) for _ in range(2)
        )
        joined = follow([Face(one, FRONTAL, 0.9)], [Face(other, FRONTAL, 0.9)]) == [[1], [1]]
        assert joined == (affinity(one, other) > 0), (one, other)
        kept += joined
    assert 200 < kept < 1800


@pytest.mark.parametrize(
    ("gap", "every_s", "expected", "note"),
    [
        (9, 0.1, 1, "nine frames, within the second"),
        (11, 0.1, 2, "over a second and over three frames"),
        (3, 1.0, 1, "seconds, yet three frames only: pictures of a folder"),
        (4, 1.0, 2, "four frames, seconds apart"),
        (40, 0.02, 1, "many frames of a fast camera"),
    ],
)
def test_tracks_are_forgotten_after_a_while(
    gap: int, every_s: float, expected: int, note: str
) -> None:
    """A track ends once unseen for more than a second and more than three frames."""
    frames: list[list[Face]] = [[face(0)], *([[]] * gap), [face(0)]]
    assert follow(*frames, every_s=every_s)[-1] == [expected], note


def test_numbers_are_never_used_twice() -> None:
    """After forgetting, numbering goes on."""
    tracker = Tracker()
    follow([face(0), face(200)], tracker=tracker)
    tracker.forget()
    assert follow([face(0)], tracker=tracker) == [[3]]


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    """Faces that cross at different heights are not exchanged."""
    left = [face(x, y=100) for x in range(0, 200, 20)]
    right = [face(x, y=150) for x in range(180, -20, -20)]
    assert follow(*(list(pair) for pair in zip(left, right, strict=True))) == [[1, 2]] * 10


def test_a_tracks_age_is_fused_over_its_frames() -> None:
    """Ages add up per track; the other track's do not touch them."""
    tracker = Tracker()
    faces = [face(0), face(200)]
    for time_s, ages in ((0.0, (20, 60)), (0.1, (30, 60))):
        tracks = tracker.join(faces, time_s)
        for track, years in zip(tracks, ages, strict=True):
            track.read(AgeReading(years, years - 10, years + 10), 0.5)
    first, second = (tracked(*pair) for pair in zip(faces, tracks, strict=True))
    assert (first.age, first.age_low, first.age_high) == pytest.approx((25, 15, 35))
    assert (first.age_jitter, second.age_jitter) == (pytest.approx(5), pytest.approx(0))
    assert second.age == pytest.approx(60)


def test_a_tracked_face_carries_the_detection_unchanged() -> None:
    """Box, landmarks and score are the detector's, also beyond the frame's edge."""
    seen = face(-20.5)
    (track,) = Tracker(first=7).join([seen], 0.0)
    track.read(AgeReading(30), 1.0)
    said = tracked(seen, track)
    assert (said.box, said.landmarks, said.score) == (seen.box, seen.landmarks, seen.score)
    assert (said.age_low, said.age_high, said.age_jitter) == (None, None, None)
    assert said.track == 7, "numbers go on from those of the process before"


@pytest.mark.parametrize(
    ("side", "score", "expected", "note"),
    [
        (64, 1.0, 0.5, "half the crop's detail"),
        (128, 0.9, 0.9, "a full crop"),
        (900, 0.9, 0.9, "more pixels than the crop holds add nothing"),
        (128, 0.0, 1e-6, "never 0, which would divide by 0"),
        (-5, 1.0, 1e-6, "a box turned inside out, of a detector gone wrong"),
    ],
)
def test_quality_is_the_share_of_the_crops_detail_times_the_score(
    side: float, score: float, expected: float, note: str
) -> None:
    """Larger faces count more, up to the crop's own size."""
    box = FrameBox(0, 0, side, abs(side))
    assert quality(Face(box, FRONTAL, score), CROP_SIDE) == pytest.approx(expected), note
    if expected > 0.1:
        assert quality(Face(box, FRONTAL, score), CROP_SIDE, 0.5) == pytest.approx(expected / 2)


@pytest.mark.parametrize(
    ("nose", "expected", "note"),
    [
        ((50, 60), 1.0, "midway between the eyes"),
        ((60, 60), 0.625, "half way to an eye"),
        ((70, 60), 0.25, "below an eye: a profile"),
        ((95, 60), 0.25, "beyond it, no less"),
        ((50, 20), 1.0, "nodding is not turning"),
    ],
)
def test_frontality_is_where_the_nose_is(
    nose: tuple[float, float], expected: float, note: str
) -> None:
    """1 for a face that looks into the camera, a quarter for a profile, leaning or not."""
    points = FRONTAL.points.copy()
    points[2] = nose
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    for leaning in (points, points @ turn.T):
        assert frontality(FrameLandmarks(leaning)) == pytest.approx(expected), note


def test_eyes_in_one_point_are_no_frontal_face() -> None:
    """Landmarks that collapsed say nothing of the pose."""
    assert frontality(FrameLandmarks(np.zeros((5, 2)))) == 0.25


def test_overlap_counts_more_than_nearness() -> None:
    """Any overlapping pair is surer than any that is only near."""
    box = FrameBox(0, 0, 10, 10)
    overlapping, near = FrameBox(5, 0, 10, 10), FrameBox(7, 0, 10, 10)
    assert affinity(box, overlapping) > 1 > affinity(box, near) > 0
    assert affinity(FrameBox(0, 0, 0, 0), FrameBox(0, 0, 0, 0)) == 0
