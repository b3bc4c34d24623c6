"""Crops for the aligner, and the labels that move with them."""

import numpy as np
import pytest

from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.pictures import MemorySource
from faceage_calibration.scene_faces import ChipFace
from faceage_edge.detector import load_detector
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_models import aligner_samples
from faceage_models.aligner_samples import LabelledChip, face_sample, no_face_sample
from faceage_models.aligner_teacher import FaceLabel, averaged_label

POINTS = np.array([[80, 90], [120, 90], [100, 110], [85, 130], [115, 130]], float)
BOX = np.array([60.0, 60.0, 140.0, 160.0])


def chip() -> LabelledChip:
    """A dark chip with a bright dot at each landmark, each of its own colour."""
    picture = np.full((220, 200, 3), 40, np.uint8)
    for number, (x, y) in enumerate(POINTS.astype(int)):
        picture[y - 4 : y + 5, x - 4 : x + 5] = (40, 40 + 40 * number, 240)
    face = Face(FrameBox(60, 60, 80, 100), FrameLandmarks(POINTS), 1.0)
    source = LabelledFace("a.png", "0" * 64, Label(), MemorySource(b""))
    return LabelledChip(ChipFace(source, picture, face), FaceLabel(BOX, POINTS))


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops as they are cut: nothing hidden, small, or spoilt."""
    for name in ("_OCCLUDED", "_SMALL", "_SPOILT", "_GREY_EDGE"):
        monkeypatch.setattr(aligner_samples, name, 0.0)


@pytest.mark.usefixtures("clean")
def test_landmarks_stay_on_their_dots() -> None:
    """Shifted, scaled, leaning and mirrored, a label lies where its dot lies."""
    random = np.random.default_rng(0)
    one = chip()
    for _ in range(60):
        sample = face_sample(random, one)
        points = sample.landmarks.reshape(2, 5).T * 48 - 0.5
        inside = (points > 2).all(axis=1) & (points < 45).all(axis=1)
        assert inside.sum() >= 3
        for x, y in points[inside]:
            # Dots are red and the rest is not; half a pixel of rounding, and they are 3 wide.
            assert sample.crop[round(y), round(x), 2] > 130
        assert sample.landmarks[0] < sample.landmarks[1]


@pytest.mark.usefixtures("clean")
def test_the_box_gives_the_face_back() -> None:
    """The square's sides moved by the shares are the face's box: 80 by 100, however it is cut."""
    random = np.random.default_rng(1)
    for _ in range(40):
        sample = face_sample(random, chip())
        left, top, right, bottom = sample.box + (0, 0, 1, 1)
        assert (right - left) / (bottom - top) == pytest.approx(0.8, abs=1e-3)
        # The landmarks' mean is (100, 110): in the middle of the box across, and so it stays but
        # for the lean, which turns what lies off the middle.
        middle = sample.landmarks[:5].mean()
        assert middle == pytest.approx((left + right) / 2, abs=0.02)


def test_crops_without_a_face_have_no_answers() -> None:
    """Every kind is 48 x 48."""
    random = np.random.default_rng(2)
    for _ in range(80):
        sample = no_face_sample(random, chip(), [])
        assert not sample.is_face and not sample.box.any() and not sample.landmarks.any()
        assert (sample.crop.shape, sample.crop.dtype) == ((48, 48, 3), np.uint8)


def test_squares_beside_a_face_hardly_overlap_it() -> None:
    """A square's middle is mapped back to the chip; its overlap with the face's square is small."""
    random = np.random.default_rng(3)
    for _ in range(200):
        transform = aligner_samples._beside(random, FaceLabel(BOX, POINTS))
        side = 48 / transform.scale
        matrix = np.vstack([transform.matrix, [0, 0, 1]])
        x, y, _ = np.linalg.inv(matrix) @ (23.5, 23.5, 1)
        off = np.abs(np.array([x - 99.5, y - 109.5]))
        shared = np.minimum(np.maximum((100 + side) / 2 - off, 0), min(100, side)).prod()
        assert shared / (100**2 + side**2 - shared) < 0.3 + 1e-6


def test_labels_are_steadier_than_their_teacher(astronaut: np.ndarray) -> None:
    """Two averages over other squares differ less than two single answers do."""
    teacher = load_detector("mtcnn", scheme="float32")
    (face,) = teacher.detect(astronaut)
    labels = []
    for seed in (0, 1):
        label = averaged_label(astronaut, face, teacher.aligner, np.random.default_rng(seed))
        assert label is not None
        labels.append(label.points)
    apart = np.abs(labels[0] - labels[1]).mean()
    eyes = np.hypot(*(labels[0][1] - labels[0][0]))
    assert apart < 0.02 * eyes
    assert np.abs(labels[0] - face.landmarks.points).mean() < 0.08 * eyes


def test_a_wall_has_no_label() -> None:
    """A teacher that sees nothing gives nothing."""
    wall = np.full((120, 120, 3), 90, np.uint8)
    face = Face(FrameBox(30, 30, 60, 60), FrameLandmarks(POINTS), 1.0)
    teacher = load_detector("mtcnn", scheme="float32").aligner
    assert averaged_label(wall, face, teacher, np.random.default_rng(0)) is None
