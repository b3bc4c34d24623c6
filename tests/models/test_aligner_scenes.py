"""Squares of scenes for the aligner."""

from itertools import count

import numpy as np
import pytest

from faceage_calibration.compose import PastedFace, Scene
from faceage_edge.bundles import find
from faceage_edge.detector import load_detector
from faceage_edge.errors import ContractError
from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_models.aligner_sample import Sample
from faceage_models.aligner_scenes import SampleStore, loose_finder, squares_of

POINTS = np.array([[280, 190], [320, 190], [300, 210], [285, 230], [315, 230]], float)


def scene() -> Scene:
    """A dark frame with one face of 80 x 100, a bright dot at each landmark."""
    frame = np.full((480, 640, 3), 40, np.uint8)
    for x, y in POINTS.astype(int):
        frame[y - 5 : y + 6, x - 5 : x + 6] = 240
    face = PastedFace(None, FrameBox(260, 160, 80, 100), FrameLandmarks(POINTS), frozenset())
    return Scene(frame, (face,))


def test_labels_lie_where_the_face_does() -> None:
    """In the square's own shares, as `Aligner` reads them back."""
    random = np.random.default_rng(0)
    for _ in range(40):
        for sample in squares_of(random, scene(), None):
            assert sample.is_face
            left, top, right, bottom = sample.box + (0, 0, 1, 1)
            assert (right - left) / (bottom - top) == pytest.approx(0.8, abs=1e-3)
            points = sample.landmarks.reshape(2, 5).T * 48 - 0.5
            inside = ((points > 1) & (points < 46)).all(axis=1)
            assert inside.sum() >= 3
            for x, y in points[inside]:
                assert sample.crop[round(y), round(x), 0] > 120


def test_a_finder_proposes_faces_and_others(astronaut: np.ndarray) -> None:
    """Its squares on the face are a face, those elsewhere are none."""
    (face,) = load_detector("mtcnn", scheme="float32").detect(astronaut)
    known = PastedFace(None, face.box, face.landmarks, frozenset())
    finder = loose_finder(find("face-finder/face-finder-finder.float32.tflite"))
    random = np.random.default_rng(0)
    with_face = squares_of(random, Scene(astronaut, (known,)), finder)
    without = squares_of(random, Scene(astronaut, ()), finder)
    assert any(sample.is_face for sample in with_face)
    # The same proposals, and nobody is known to be there.
    assert without and not any(sample.is_face for sample in without)


def test_a_store_keeps_the_newest() -> None:
    """Of a stream the last ones; each draw takes as many new ones in as it is told."""
    numbers = count()
    stream = (Sample.nothing(np.full((1, 1, 3), next(numbers), np.uint8)) for _ in range(99))
    store = SampleStore(stream, 10)
    random = np.random.default_rng(0)
    seen = {int(one.crop[0, 0, 0]) for one in store.draw(random, 200, 5)}
    assert seen == set(range(5, 15))


def test_only_a_finder_proposes() -> None:
    """An aligner's file in its place is named."""
    with pytest.raises(ContractError, match="is a output model, expected single-shot"):
        loose_finder(find("face-finder/face-finder-aligner.float32.tflite"))
