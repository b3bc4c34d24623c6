"""Face-finder: the network that sees the whole frame, and the detector around it."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.anchor_shot import AnchorShot
from faceage_edge.bundles import find
from faceage_edge.candidates import squared
from faceage_edge.detector import Detector, load_detector
from faceage_edge.errors import ContractError
from faceage_edge.face_finder import FaceFinder
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, iou
from faceage_edge.model import Model, load_model

Frame = npt.NDArray[np.uint8]
Noise = Callable[..., Frame]
SCHEMES = pytest.mark.parametrize("scheme", ["int8", "float32"])

# The astronaut's landmarks as seen in the picture, by hand.
LANDMARKS = np.array([[204, 101], [247, 103], [223, 127], [202, 140], [245, 141]], float)


@lru_cache(maxsize=2)
def detector(scheme: str) -> Detector:
    """The shipped face-finder."""
    return load_detector("face-finder", scheme=scheme)


def network(name: str = "finder", scheme: str = "int8") -> Model:
    """One of its networks."""
    return load_model(find("face-finder") / f"face-finder-{name}.{scheme}.tflite")


@SCHEMES
def test_it_finds_the_astronaut(scheme: str, astronaut: Frame) -> None:
    """One face; landmarks within 8 pixels of where a person would put them, the eyes 43 apart."""
    (face,) = detector(scheme).detect(astronaut)
    assert face.score > 0.9
    assert np.abs(face.landmarks.points - LANDMARKS).max() < 8


@SCHEMES
def test_mirrored_the_landmarks_keep_their_order(scheme: str, astronaut: Frame) -> None:
    """Left as seen in the picture stays left."""
    (face,) = detector(scheme).detect(np.ascontiguousarray(astronaut[:, ::-1]))
    left, right, nose, left_mouth, right_mouth = face.landmarks.points
    assert left[0] < nose[0] < right[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left[1], right[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize(
    ("height", "width", "top", "left", "note"),
    [
        (480, 640, 100, 300, "a camera's frame"),
        (640, 480, 300, 100, "portrait"),
        (300, 1200, 20, 900, "a wide strip"),
        (1080, 1920, 700, 1500, "HD"),
    ],
)
def test_a_face_is_found_where_it_is(
    height: int, width: int, top: int, left: int, note: str, astronaut: Frame
) -> None:
    """The face's part of the portrait on a plain wall, in frames of every shape."""
    side = min(height, width) // 2
    head = cv2.resize(astronaut[20:240, 120:340], (side, side), interpolation=cv2.INTER_AREA)
    top, left = min(top, height - side), min(left, width - side)
    frame = np.full((height, width, 3), (90, 110, 120), np.uint8)
    frame[top : top + side, left : left + side] = head
    (face,) = detector("int8").detect(frame)
    wanted = (LANDMARKS - (120, 20)) * side / 220 + (left, top)
    # 8 of the 43 pixels between the eyes, as for the portrait itself.
    assert np.abs(face.landmarks.points - wanted).max() < 8 / 220 * side, note


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 500), (500, 2), (31, 47), (240, 320)])
def test_any_frame_is_survived(height: int, width: int, noise: Noise) -> None:
    """Tiny, odd and of the network's own size: no faces, no error."""
    assert detector("int8").detect(noise(height, width, 3)) == []


def test_the_same_frame_gives_the_same_faces_after_another(astronaut: Frame, noise: Noise) -> None:
    """Nothing of a frame of another shape is left in the input."""
    first = detector("int8").detect(astronaut)
    detector("int8").detect(noise(200, 800, 3))
    again = detector("int8").detect(astronaut)
    assert [face.box for face in first] == [face.box for face in again]


def test_small_faces_are_left_out_where_larger_are_asked_for(astronaut: Frame) -> None:
    """The face is 110 pixels high: wanted at 100, not at 200."""
    assert len(detector("int8").detect(astronaut, min_face=100)) == 1
    assert detector("int8").detect(astronaut, min_face=200) == []


# Parts


class FakeAligner:
    """Says of each square whether it is a face, by a script."""

    def __init__(self, answers: str) -> None:
        self.answers = iter(answers)
        self.asked = 0

    def is_one(self, one: FrameBox, other: FrameBox) -> bool:
        return one.x == other.x

    def settle_one(self, _frame: Frame, square: FrameBox) -> Face | None:
        self.asked += 1
        return _face(square) if next(self.answers) == "y" else None


def _face(box: FrameBox) -> Face:
    return Face(box, FrameLandmarks(np.zeros((5, 2))), 0.9)


def _box(square: npt.NDArray[np.float64]) -> FrameBox:
    x1, y1, x2, y2 = (float(value) for value in square)
    return FrameBox(x1, y1, x2 - x1, y2 - y1)


@pytest.mark.parametrize(
    ("answers", "scores", "asked", "found", "note"),
    [
        ("yyyyyy", [0.2] * 6, 6, 6, "all are faces"),
        ("ynynyn", [0.2] * 6, 2, 1, "behind a refusal a weak one is not looked at"),
        ("nynyny", [0.35] * 6, 6, 3, "a stronger one is"),
        ("nnyyyy", [0.35] * 6, 2, 0, "but not behind two"),
        ("nnynny", [0.9] * 6, 6, 2, "two in a row do not end it for strong ones"),
        ("nnnyyy", [0.9] * 6, 3, 0, "three in a row do"),
        ("yyynny", [0.2] * 6, 6, 4, "in a crowd weak ones are looked at behind two"),
        ("yyynnn", [0.2] * 6, 6, 3, "the last of three"),
    ],
)
def test_the_search_ends_after_some_refused(
    answers: str, scores: list[float], asked: int, found: int, note: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Candidates come the surest first: behind some that were none, the weak ones are none."""
    finder = FaceFinder(network(), network("aligner"))
    fake = FakeAligner(answers)
    monkeypatch.setattr(finder, "aligner", fake)
    boxes = np.array([[i * 100.0, 0, i * 100 + 50, 50] for i in range(6)])
    frame = np.zeros((9, 9, 3), np.uint8)
    assert len(finder._confirmed(frame, boxes, np.array(scores))) == found, note
    assert fake.asked == asked, note


def test_a_face_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that lies within a face already found is no other face, nor one refused."""
    finder = FaceFinder(network(), network("aligner"))
    fake = FakeAligner("ynyn")
    monkeypatch.setattr(finder, "aligner", fake)
    boxes = np.array([[left, 0, left + 50.0, 50] for left in (0, 0, 100, 0, 200, 200)])
    frame, scores = np.zeros((9, 9, 3), np.uint8), np.full(len(boxes), 0.9)
    assert len(finder._confirmed(frame, boxes, scores)) == 2
    assert fake.asked == 3


def quiet(model: Model) -> dict[str, npt.NDArray[np.float32]]:
    """Outputs in which no anchor sees a face."""
    outputs = model.contract.outputs
    return {
        one.name: np.full((1, one.size), -9.0 * (one.head == "face-logit"), np.float32)
        for one in outputs
    }


def test_an_anchor_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second anchor, of 24 pixels, of cell (row 3, column 5) of stride 8, on half of the
    frame."""
    model = network(scheme="float32")
    raw = quiet(model)
    anchor = (3 * 40 + 5) * 2 + 1
    raw["logits8"][0, anchor] = 4.0
    # Across by half a side, up by a quarter; sides e^0.2 and e^-0.2 of the anchor's.
    raw["boxes8"][0, 4 * anchor : 4 * anchor + 4] = (5, -2.5, 1, -1)
    monkeypatch.setattr(model, "run_raw", lambda _pictures: raw)
    found = AnchorShot(model, "single-shot").propose(np.zeros((480, 640, 3), np.uint8))
    assert found.scores == pytest.approx([1 / (1 + np.exp(-4.0))])
    # The anchor stands at (44, 28) in the input; the frame is twice that.
    centre = np.array([44 + 12, 28 - 6])
    half = 12 * np.exp([0.2, -0.2])
    np.testing.assert_allclose(found.boxes, [[*2 * (centre - half), *2 * (centre + half)]])


def test_the_threshold_is_the_same_in_the_files_own_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of int8, the step above the threshold passes and the one below does not."""
    model = network()
    stage = model.contract.detector
    assert stage is not None
    output = next(one for one in model.contract.outputs if one.name == "logits16")
    least = stage.logit_threshold / output.scale + output.zero_point
    zeros = {one.name: one.zero_point for one in model.contract.outputs}
    for value, found in ((np.ceil(least), 1), (np.floor(least), 0)):
        raw = {
            one.name: np.full((1, one.size), -128 if one.head == "face-logit" else zeros[one.name])
            for one in model.contract.outputs
        }
        raw["logits16"][0, 300] = value
        monkeypatch.setattr(model, "run_raw", lambda _pictures, raw=raw: raw)
        shot = AnchorShot(model, "single-shot")
        assert len(shot.propose(np.zeros((240, 320, 3), np.uint8)).scores) == found


def test_networks_in_the_wrong_place() -> None:
    """The two swapped are named."""
    with pytest.raises(ContractError, match="is a output model, expected single-shot"):
        FaceFinder(network("aligner"), network())
    with pytest.raises(ContractError, match="is a single-shot model, expected output"):
        FaceFinder(network(), network())


def test_int8_finds_what_float_finds(astronaut: Frame) -> None:
    """Boxes overlap by nine tenths, landmarks differ by less than a twentieth of the eyes' 43."""
    (exact,), (rough,) = (detector(scheme).detect(astronaut) for scheme in ("float32", "int8"))
    assert iou(exact.box, rough.box) > 0.9
    assert np.abs(exact.landmarks.points - rough.landmarks.points).mean() < 43 / 20


def test_a_square_that_fits_badly_is_looked_at_twice(astronaut: Frame) -> None:
    """Forty pixels beside the face the first look refuses; the second, at the first's own box, does
    not. Far beside it the first is sure, and there is no second."""
    aligner = detector("int8").aligner
    square = np.array([168.0, 60, 278, 170])
    beside, away = square + [40, 0, 40, 0], square + [110, 0, 110, 0]
    assert aligner.settle(astronaut, beside[None]) == []
    face = aligner.settle_one(astronaut, _box(beside))
    assert face is not None and np.abs(face.landmarks.points - LANDMARKS).max() < 8
    assert aligner.settle_one(astronaut, _box(away)) is None


def test_a_face_in_a_bad_square_has_the_landmarks_of_a_good_one(astronaut: Frame) -> None:
    """Twice as large as the face the square is believed at once, yet the second look counts; the
    same square looked at once gives other landmarks."""
    aligner = detector("int8").aligner
    large = np.array([143.0, 35, 303, 195])
    (once,) = aligner.settle(astronaut, large[None])
    twice = aligner.settle_one(astronaut, _box(large))
    assert twice is not None
    (good,) = aligner.settle(astronaut, squared(np.array([_corners(once)])))
    np.testing.assert_array_equal(twice.landmarks.points, good.landmarks.points)
    assert np.abs(twice.landmarks.points - once.landmarks.points).max() > 1


def _corners(face: Face) -> tuple[float, float, float, float]:
    box = face.box
    return box.x, box.y, box.x + box.width, box.y + box.height


def test_what_is_within_a_face_is_that_face() -> None:
    """By the share of the smaller box; a neighbour is another. Of those that are one the surest is
    kept."""
    aligner, face = detector("int8").aligner, FrameBox(100, 100, 100, 100)
    inside = [face, FrameBox(120, 120, 40, 40), FrameBox(60, 60, 200, 200)]
    beside = [FrameBox(190, 100, 100, 100), FrameBox(140, 100, 100, 100)]
    assert all(aligner.is_one(face, box) and aligner.is_one(box, face) for box in inside)
    assert not any(aligner.is_one(face, box) for box in beside)
    faces = [replace(_face(box), score=0.1 * k) for k, box in enumerate([*inside, *beside], 1)]
    assert aligner.distinct(faces) == [faces[4], faces[3], faces[1]]
