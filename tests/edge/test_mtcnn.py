"""The detector: finds faces, the same ones every time, and survives any frame."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge import mtcnn as mtcnn_module
from faceage_edge.bundles import find
from faceage_edge.candidates import Candidates
from faceage_edge.detector import load_detector
from faceage_edge.geometry import Face
from faceage_edge.model import load_model
from faceage_edge.mtcnn import Mtcnn
from faceage_edge.pyramid import Tile

Frame = npt.NDArray[np.uint8]
Noise = Callable[..., Frame]
SCHEMES = pytest.mark.parametrize("scheme", ["int8", "float32"])

# The astronaut's face as seen in the picture, by hand: x, y, right, bottom, and five landmarks.
FACE = (180, 66, 268, 176)
LANDMARKS = np.array([[204, 101], [247, 103], [223, 127], [202, 140], [245, 141]], float)


@lru_cache(maxsize=2)
def detector(scheme: str) -> Mtcnn:
    """The shipped cascade."""
    loaded = load_detector("mtcnn", scheme=scheme)
    assert isinstance(loaded, Mtcnn)
    return loaded


def corners(face: Face) -> npt.NDArray[np.float64]:
    """x1, y1, x2, y2."""
    box = face.box
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height])


# Finding


@SCHEMES
def test_it_finds_the_astronaut(scheme: str, astronaut: Frame) -> None:
    """One face, its box and landmarks where a person would put them."""
    (face,) = detector(scheme).detect(astronaut)
    assert face.score > 0.95
    assert np.abs(corners(face) - FACE).max() < 12
    assert face.landmarks.points.shape == (5, 2)
    assert np.abs(face.landmarks.points - LANDMARKS).max() < 6


def test_int8_finds_what_float_finds(astronaut: Frame) -> None:
    """Box within 9 pixels, landmarks within 3 (FACTS of the first conversion: 9 and 2)."""
    (exact,), (rough,) = (detector(s).detect(astronaut) for s in ("float32", "int8"))
    assert np.abs(corners(exact) - corners(rough)).max() < 9
    assert np.abs(exact.landmarks.points - rough.landmarks.points).max() < 3


@SCHEMES
def test_landmarks_keep_their_order(scheme: str, astronaut: Frame) -> None:
    """Left as seen in the picture stays left when the picture is mirrored."""
    for frame in (astronaut, astronaut[:, ::-1]):
        (face,) = detector(scheme).detect(frame)
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_a_larger_frame_has_the_face_in_its_place(astronaut: Frame) -> None:
    """Around more picture, portrait or landscape, the face moves with its pixels.

    Only the levels' grids shift against the face, so box and landmarks move a little besides.
    """
    (alone,) = detector("float32").detect(astronaut)
    for above, left, height, width in ((0, 300, 512, 1100), (400, 0, 1200, 512)):
        frame = np.full((height, width, 3), 100, np.uint8)
        frame[above : above + 512, left : left + 512] = astronaut
        faces = detector("float32").detect(frame)
        near = faces[0].landmarks.points - (left, above)
        assert np.abs(near - alone.landmarks.points).max() < 5


@pytest.mark.parametrize(
    ("share", "min_face", "found", "note"),
    [
        (1.0, None, 1, "the usual smallest face"),
        (0.5, None, 1, "a smaller frame, a smaller usual face"),
        (0.05, None, 0, "5 pixels: below what is usual in any frame"),
        (1.0, 40, 1, "92 pixels wide"),
        (0.5, 40, 1, "46 pixels wide, just large enough"),
        (0.5, 100, 0, "smaller than what is looked for"),
        (0.25, 20, 1, "23 pixels wide: more levels"),
        (2.0, 40, 1, "184 pixels wide"),
    ],
)
def test_faces_of_any_size(
    share: float, min_face: float | None, found: int, note: str, astronaut: Frame
) -> None:
    """The pyramid finds a face from the asked size on, and says where in the given frame."""
    frame = cv2.resize(astronaut, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    faces = detector("int8").detect(np.asarray(frame, np.uint8), min_face=min_face)
    assert len(faces) == found
    for face in faces:
        assert np.abs(corners(face) / share - FACE).max() < 20


def test_several_faces_come_strongest_first(astronaut: Frame) -> None:
    """Two people side by side are two faces; scores fall."""
    pair = np.concatenate([astronaut[:300, 100:350], astronaut[:300, 100:350, ::-1]], axis=1)
    faces = detector("int8").detect(np.ascontiguousarray(pair[..., ::-1]))
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert sorted(face.box.center[0] // 250 for face in faces) == [0, 1]


def test_a_second_look_sees_the_same(astronaut: Frame) -> None:
    """Detection has no memory and no chance in it."""
    first = detector("int8").detect(astronaut)
    detector("int8").detect(astronaut[::-1])
    again = detector("int8").detect(astronaut)
    for one, other in zip(first, again, strict=True):
        assert (one.box, one.score) == (other.box, other.score)
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)


def test_the_frame_is_not_touched(astronaut: Frame) -> None:
    """A view into a larger buffer serves, and nothing is drawn or written."""
    kept = astronaut.copy()
    view = astronaut[10:400, 20:500]
    (face,) = detector("int8").detect(view)
    np.testing.assert_array_equal(astronaut, kept)
    (copied,) = detector("int8").detect(view.copy())
    assert face.box == copied.box


# Frames and options at the edge


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 640), (480, 1), (11, 11), (11, 600), (12, 12), (13, 12), (40, 40), (12, 3000)],
)
@pytest.mark.parametrize("min_face", [0.0, 12.0, 40.0])
def test_tiny_frames(height: int, width: int, min_face: float, noise: Noise) -> None:
    """A frame with no room for a face has none; nothing breaks."""
    faces = detector("int8").detect(noise(height, width, 3), min_face=min_face)
    assert len(faces) <= 1


def test_a_photograph(astronaut: Frame) -> None:
    """4000 x 3000 pixels: many canvases, and the face is still found."""
    frame = np.full((3000, 4000, 3), 90, np.uint8)
    frame[2000:2512, 3000:3512] = astronaut
    faces = detector("int8").detect(frame, min_face=60)
    found = [np.abs(corners(face) - (3000, 2000, 3000, 2000) - FACE).max() for face in faces]
    assert min(found) < 12


@pytest.mark.parametrize(
    ("min_face", "found", "note"),
    [
        (-5.0, 1, "below the network's window: taken as 12"),
        (0.0, 1, "the same: zero is a number, not the lack of one"),
        (12.0, 1, "the smallest there is"),
        (100.0, 1, "about the face"),
        (511.0, 0, "the frame itself"),
        (1e9, 0, "larger than the frame"),
        (float("inf"), 0, "infinite"),
    ],
)
def test_extreme_smallest_faces(min_face: float, found: int, note: str, astronaut: Frame) -> None:
    """Any number is an answerable question."""
    faces = detector("int8").detect(astronaut, min_face=min_face)
    near = [face for face in faces if np.abs(corners(face) - FACE).max() < 20]
    assert len(near) == found


@pytest.mark.parametrize("value", [0, 128, 255])
def test_frames_without_anything(value: int) -> None:
    """No candidates: the later networks run on nothing and return nothing."""
    assert detector("int8").detect(np.full((480, 640, 3), value, np.uint8)) == []


def test_a_crowd_is_cut_off_not_stalled(astronaut: Frame) -> None:
    """A wall of faces keeps the strongest 400 candidates and still finds most of them."""
    face = cv2.resize(astronaut[50:200, 160:290], (44, 50), interpolation=cv2.INTER_AREA)
    wall = np.tile(face, (9, 14, 1)).astype(np.uint8)
    found = detector("int8").detect(wall, min_face=30)
    assert 60 < len(found) <= 400
    scores = [face.score for face in found]
    assert scores == sorted(scores, reverse=True)


def test_the_strongest_candidates_are_kept(
    astronaut: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are too many, the weakest go."""
    everything = detector("int8")._propose(astronaut, 12)
    assert len(everything.logits) > 20
    monkeypatch.setattr(mtcnn_module, "_MOST_CANDIDATES", 20)
    kept = detector("int8")._propose(astronaut, 12)
    np.testing.assert_array_equal(kept.logits, np.sort(everything.logits)[::-1][:20])


# Parts of the cascade


@pytest.mark.parametrize("count", [0, 1, 17])
def test_stages_take_any_number_of_candidates(count: int, astronaut: Frame) -> None:
    """Batches are filled up and cut off again: each candidate gets what it gets alone."""
    cascade = detector("int8")
    steps = np.arange(count, dtype=np.float64)[:, None]
    boxes = np.array([[170.0, 60.0, 275.0, 180.0]]) + steps * [3, -2, 1, 4]
    logits = 10 - steps[:, 0]
    many = Candidates(boxes.reshape(-1, 4), logits)
    refined = cascade._refined(astronaut, many)
    assert len(refined.boxes) == len(refined.logits) <= count
    alone = [cascade._refined(astronaut, many.pick(np.array([i]))) for i in range(count)]
    apart = np.concatenate([np.empty((0, 4)), *(one.boxes for one in alone)])
    for box in refined.boxes:
        assert (apart == box).all(axis=1).any()
    settled = cascade._settled(astronaut, many)
    assert len(settled) == min(count, 1)


def test_equal_scores_keep_their_order(astronaut: Frame) -> None:
    """Of two candidates with one box and one score, the first is kept."""
    cascade = detector("int8")
    boxes = np.array([[170.0, 60.0, 275.0, 180.0]] * 2)
    both = cascade._refined(astronaut, Candidates(boxes, np.array([1.0, 1.0])))
    one = cascade._refined(astronaut, Candidates(boxes[:1], np.array([1.0])))
    np.testing.assert_array_equal(both.boxes, one.boxes)


def test_candidates_by_hand() -> None:
    """A window's place in its level plus its offsets, divided by the level's scale."""
    contract = load_model(find("mtcnn") / "mtcnn-pnet.float32.tflite").contract
    # The right part of a level 60 x 40 of a frame 120 x 160, second in the second canvas.
    tile = Tile(60, 40, 30, 0, 30, 40, 0.5, 0.25, canvas=1, x=100, y=50)
    logits, offsets = np.full((2, 119, 131, 1), -9.0), np.zeros((2, 119, 131, 4))
    # Cells of 2 pixels: (3, 2) of the tile; one whose window leaves it; one of another canvas.
    for canvas, row, column in ((1, 25 + 3, 50 + 2), (1, 25 + 3, 50 + 10), (0, 28, 52)):
        logits[canvas, row, column] = 4.0
        offsets[canvas, row, column] = [0.25, 0.5, -0.25, 1.0]
    found = mtcnn_module._from_tile(tile, logits, offsets, contract)
    assert found.logits.tolist() == [4.0]
    # In the level x 34 to 46, y 6 to 18, moved by 3, 6, -3 and 12 pixels.
    assert found.boxes.tolist() == [[37 / 0.5, 12 / 0.25, 43 / 0.5, 30 / 0.25]]
