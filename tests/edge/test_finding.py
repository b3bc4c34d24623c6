"""When the whole frame is searched, and that the same people are found as by doing it always."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge import finding
from faceage_edge.finding import EveryFrame, PassPolicy, SparsePasses
from faceage_edge.follow import Followed
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, iou
from faceage_edge.loading import load_bundle
from faceage_edge.resting import Rest

Picture = npt.NDArray[np.uint8]
SHARES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
EMPTY: Picture = np.full((480, 640, 3), 90, np.uint8)


def face(x: float = 100.0, score: float = 0.9) -> Face:
    return Face(FrameBox(x, 100, 60, 60), FrameLandmarks(SHARES * 60 + [x, 100]), score)


class Scripted:
    """A detector and an aligner that find what the test says."""

    digest, scheme, aligner = "", "int8", None

    def __init__(self) -> None:
        self.seen: list[Face] = []
        self.lose = False
        # The one face that the next frame loses.
        self.gone: int | None = None
        # Where the faces are in the frame that is followed next; as before where nothing is said.
        self.next: list[Face] = []
        self.looked: list[Sequence[FrameBox]] = []

    def detect(self, frame: Picture, *, min_face: float | None = None) -> list[Face]:
        return list(self.seen)

    def follow(
        self,
        aligner: object,
        frame: Picture,
        before: Sequence[Face],
        boxes: Sequence[FrameBox],
        rests: Sequence[Rest | None],
    ) -> Followed:
        none = (None,) * len(before)
        if self.lose:
            return Followed(none, ("score",) * len(before), none)
        self.looked.append(boxes)
        if self.gone is not None:
            faces: list[Face | None] = list(before)
            lost = [""] * len(before)
            faces[self.gone], lost[self.gone] = None, "score"
            self.gone = None
            return Followed(tuple(faces), tuple(lost), none)
        return Followed(tuple(self.next or before), ("",) * len(before), none)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The script, in place of the networks."""
    made = Scripted()
    monkeypatch.setattr(finding, "follow", made.follow)
    return made


def passes(sparse: SparsePasses, pictures: Sequence[Picture], fps: float = 25.0) -> list[int]:
    """The frames over which a full pass was made."""
    made = []
    for index, picture in enumerate(pictures):
        before = sparse.passes
        sparse.find(picture, index / fps, new_scene=False)
        made += [index] * (sparse.passes - before)
    return made


def test_followed_faces_cost_a_pass_every_thirty_frames(scripted: Scripted) -> None:
    """One to find them, one that looks whether all were found, then one in thirty."""
    scripted.seen = [face()]
    assert passes(SparsePasses(scripted), [EMPTY] * 100) == [0, 3, 33, 63, 93]  # type: ignore[arg-type]


def test_slow_sources_are_searched_by_time(scripted: Scripted) -> None:
    """At two frames a second thirty frames would be a quarter of a minute."""
    scripted.seen = [face()]
    assert passes(SparsePasses(scripted), [EMPTY] * 8, fps=2) == [0, 1, 4, 7]  # type: ignore[arg-type]


def test_an_empty_still_scene_is_hardly_searched(scripted: Scripted) -> None:
    """Once in 120 frames, though the sensor is noisy."""
    random = np.random.default_rng(0)
    noisy = [(EMPTY + random.integers(-8, 9, EMPTY.shape)).astype(np.uint8) for _ in range(8)] * 31
    assert passes(SparsePasses(scripted), noisy) == [0, 120, 240]  # type: ignore[arg-type]


def test_a_face_that_comes_into_a_still_scene_is_found_at_once(
    scripted: Scripted, astronaut: Picture
) -> None:
    """Something moved: the very next frame is searched, if the last search is not too near."""
    with_face = EMPTY.copy()
    with_face[100:160, 100:160] = cv2.resize(astronaut[60:190, 170:270], (60, 60))
    pictures = [EMPTY] * 50 + [with_face]
    assert passes(SparsePasses(scripted), pictures) == [0, 50]  # type: ignore[arg-type]


def test_a_scene_that_moves_without_faces_is_searched_ever_less(
    scripted: Scripted, noise: Picture
) -> None:
    """Trees in the wind: every fifth frame at first, every fifteenth in the end."""
    moving = [np.roll(EMPTY + (np.arange(640) % 97).astype(np.uint8)[None, :, None], k * 31, axis=1)
              for k in range(150)]  # fmt: skip
    found = passes(SparsePasses(scripted), moving)  # type: ignore[arg-type]
    gaps = np.diff(found)
    assert (gaps[0], gaps[-1]) == (6, 15) and (np.diff(gaps) >= 0).all()


def test_a_lost_face_is_searched_for_and_a_flickering_one_has_a_limit(scripted: Scripted) -> None:
    """At once and every third frame then; one lost in every frame does not cost a pass a frame."""
    scripted.seen = [face()]
    sparse = SparsePasses(scripted)  # type: ignore[arg-type]
    passes(sparse, [EMPTY] * 40)
    scripted.lose = True
    before = sparse.passes
    assert len(passes(sparse, [EMPTY] * 60)) < 25
    scripted.seen = []
    sparse.find(EMPTY, 100.0, new_scene=True)
    assert sparse.passes > before


@pytest.mark.parametrize("followed", [0, 1])
def test_who_was_seen_once_is_not_searched_for(scripted: Scripted, followed: int) -> None:
    """A mistake of a pass: gone in the next frame or the one after it, while the known face is
    there. One pass more, which may show that it was none, and then every thirtieth frame again."""
    sparse = SparsePasses(scripted)  # type: ignore[arg-type]
    scripted.seen = [face()]
    assert passes(sparse, [EMPTY] * 33) == [0, 3]
    scripted.seen = [face(), face(400)]
    assert passes(sparse, [EMPTY] * (1 + followed)) == [0]
    scripted.seen = [face()]
    scripted.gone = 1
    sparse.find(EMPTY, 0.08, new_scene=False)
    assert passes(sparse, [EMPTY] * 40) == [1 - followed, 31 - followed]


def test_who_was_seen_by_two_passes_is_searched_for(scripted: Scripted) -> None:
    """Somebody new whom the next pass sees too is no mistake: lost, they are looked for at once."""
    sparse = SparsePasses(scripted)  # type: ignore[arg-type]
    scripted.seen = [face()]
    assert passes(sparse, [EMPTY] * 33) == [0, 3]
    scripted.seen = [face(), face(400)]
    assert passes(sparse, [EMPTY] * 5) == [0, 3]
    scripted.seen = [face()]
    scripted.gone = 1
    assert passes(sparse, [EMPTY] * 5) == [0, 3]


def test_a_new_scene_and_another_size_are_searched(scripted: Scripted) -> None:
    """What was followed is nowhere any more."""
    scripted.seen = [face()]
    sparse = SparsePasses(scripted, policy=PassPolicy(search=10))  # type: ignore[arg-type]
    sparse.find(EMPTY, 0.0, new_scene=False)
    sparse.find(EMPTY, 0.1, new_scene=True)
    sparse.find(EMPTY[::2, ::2], 0.2, new_scene=False)
    assert sparse.passes == 3


@pytest.mark.parametrize(
    ("steps", "expected", "note"),
    [
        ((100, 100), 100, "one who keeps still is looked for where they are"),
        ((100, 101.5), 100.75, "a box that swings by 2.5 % of its width, between both places"),
        ((100, 104), 108, "one who walks by 7 % of it, a step ahead"),
        ((100, 120), 140, "and one who runs"),
    ],
)
def test_a_face_is_looked_for_where_it_goes(
    scripted: Scripted, steps: Sequence[float], expected: float, note: str
) -> None:
    """Midway between its last places a network sees a walking face aside of its square."""
    scripted.seen = [face(steps[0])]
    sparse = SparsePasses(scripted)  # type: ignore[arg-type]
    sparse.find(EMPTY, 0.0, new_scene=False)
    for index, x in enumerate(steps[1:], 1):
        scripted.next = [face(x)]
        sparse.find(EMPTY, index / 25, new_scene=False)
    scripted.next = []
    sparse.find(EMPTY, len(steps) / 25, new_scene=False)
    assert scripted.looked[-1][0].x == pytest.approx(expected), note


def test_faces_come_the_surest_first(scripted: Scripted) -> None:
    """In followed frames as after a pass."""
    scripted.seen = [face(100, 0.8), face(300, 0.99)]
    sparse = SparsePasses(scripted)  # type: ignore[arg-type]
    sparse.find(EMPTY, 0.0, new_scene=False)
    assert [one.score for one in sparse.find(EMPTY, 0.04, new_scene=False)] == [0.99, 0.8]


@pytest.mark.usefixtures("shipped")
def test_following_takes_little_memory_and_keeps_none(astronaut: Picture) -> None:
    """Not at any moment a tenth of a frame; after 60 more frames no more than before them."""
    detector = load_bundle(detector="face-finder").detector
    sparse = SparsePasses(detector, policy=PassPolicy(every=1000, every_s=1000.0))
    frames = [np.roll(astronaut, shift, axis=1) for shift in (0, 2, 4, 2)]
    pictures = [frames[index % len(frames)] for index in range(80)]
    assert passes(sparse, pictures[:20]) == [0, 3]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert passes(sparse, pictures[20:]) == []
        after, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - before < astronaut.nbytes / 10
    # The last faces are other objects than those before, one with its square's picture (7 kB).
    assert after - before < 12288


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("name", "detector", "least"),
    [
        ("face-demographics-walking-and-pause", "mtcnn", 0.95),
        ("head-pose-female-and-male", "mtcnn", 0.85),
        ("face-demographics-walking-and-pause", "face-finder", 0.99),
        ("head-pose-female-and-male", "face-finder", 0.99),
    ],
)
def test_the_same_faces_are_found_as_in_every_frame(
    shared_data: Path, name: str, detector: str, least: float
) -> None:
    """Where a search of every frame finds a face it is found here too, but for a few frames."""
    film = cv2.VideoCapture(str(shared_data / "clips" / f"{name}.gif"))
    own = load_bundle(detector=detector).detector
    every, sparse = EveryFrame(own), SparsePasses(own)
    faces = found = index = 0
    while (read := film.read())[0]:
        picture = np.asarray(read[1], np.uint8)
        now = sparse.find(picture, index / 12.5, new_scene=False)
        for one in every.find(picture, index / 12.5, new_scene=False):
            faces += 1
            found += any(iou(one.box, other.box) > 0.3 for other in now)
        index += 1
    film.release()
    assert found >= least * faces > 80
    assert sparse.passes <= index / 3
