"""The single-shot network and the detector around it."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.bundles import find
from faceage_edge.detector import Detector, load_detector
from faceage_edge.detector_stage import Level
from faceage_edge.errors import ContractError
from faceage_edge.face_finder import FaceFinder
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.model import Model, load_model
from faceage_edge.single_shot import SingleShot
from faceage_edge.tracking import iou

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

    def settle(self, _frame: Frame, squares: npt.NDArray[np.float64]) -> list[Face]:
        (square,) = squares
        self.asked += 1
        return [_face(square)] if next(self.answers) == "y" else []


def _face(square: npt.NDArray[np.float64]) -> Face:
    x1, y1, x2, y2 = (float(value) for value in square)
    return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(np.zeros((5, 2))), 0.9)


@pytest.mark.parametrize(
    ("answers", "asked", "found", "note"),
    [
        ("yyyyy", 5, 5, "all are faces"),
        ("ynynyn", 5, 3, "one refused at a time goes on"),
        ("ynnny", 5, 2, "nor do three in a row end it"),
        ("nnnny", 4, 0, "four in a row do"),
    ],
)
def test_the_search_ends_after_four_refused(
    answers: str, asked: int, found: int, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candidates come the surest first: after four that were none, the rest are none."""
    finder = FaceFinder(network(), network("aligner"))
    fake = FakeAligner(answers)
    monkeypatch.setattr(finder, "aligner", fake)
    squares = np.array([[i * 100.0, 0, i * 100 + 50, 50] for i in range(5)])
    assert len(finder._confirmed(np.zeros((9, 9, 3), np.uint8), squares)) == found, note
    assert fake.asked == asked, note


def test_a_cell_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell (3, 5) of stride 8 with distances 1, 2, 3 and 1.5 strides, on half of the frame."""
    model = network(scheme="float32")
    raw = {
        output.name: np.full((1, output.size), -9.0, np.float32)
        for output in model.contract.outputs
    }
    cell = 3 * 40 + 5
    raw["logits8"][0, cell] = 4.0
    raw["boxes8"][0, 4 * cell : 4 * cell + 4] = (1, 2, 3, 1.5)
    monkeypatch.setattr(model, "run_raw", lambda _pictures: raw)
    found = SingleShot(model).propose(np.zeros((480, 640, 3), np.uint8))
    assert found.logits.tolist() == [4.0]
    # The centre is (44, 28) in the input; edges 8, 16, 24 and 12 pixels away; the frame twice that.
    np.testing.assert_allclose(found.boxes, [[2 * 36, 2 * 12, 2 * 68, 2 * 40]])


def test_the_threshold_in_the_files_own_numbers() -> None:
    """int8 and float agree on most cells of a picture: the threshold is the same real number."""
    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    shots = [SingleShot(network(scheme=scheme)) for scheme in ("int8", "float32")]
    for shot in shots:
        for grid in shot._grids:
            real = (grid.least - grid.logits.zero_point) * grid.logits.scale
            stage = shot._model.contract.detector
            assert stage is not None
            assert real == pytest.approx(stage.logit_threshold)
        shot.propose(frame)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((Level(8, "nowhere", "boxes8"),), "names 'nowhere', which is no face-logit output"),
        ((Level(8, "boxes8", "boxes8"),), "names 'boxes8', which is no face-logit output"),
        ((Level(4, "logits8", "boxes8"),), "a grid of stride 4 on 320 x 240 has 80 x 60 cells"),
    ],
)
def test_levels_that_are_not_the_networks(levels: tuple[Level, ...], message: str) -> None:
    """A contract is held to the network's own outputs when it is loaded."""
    model = network()
    assert model.contract.detector is not None
    stage = replace(model.contract.detector, levels=levels)
    model.contract = replace(model.contract, detector=stage)
    with pytest.raises(ContractError, match=message):
        SingleShot(model)


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
