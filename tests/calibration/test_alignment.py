"""Where faces lie in the pictures of a source."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceage_calibration.alignment import SourceAlignment, alignment_of
from faceage_calibration.alignment_measure import add_to_file, measure_alignment
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.labels import Label
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError, OutputError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks


class FakeDetector:
    """Finds one face whose landmarks are the frame's middle plus five shifts; none when dark."""

    digest = "fd" * 32

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, frame: np.ndarray, *, min_face: float = 40) -> list[Face]:
        """Find the made-up face."""
        self.calls += 1
        assert min_face >= 12
        if frame.max() < 60:
            return []
        middle = np.array([frame.shape[1] / 2, frame.shape[0] / 2])
        points = middle + [[-4, -3], [4, -3], [0, 1], [-3, 5], [3, 5]] + frame[0, 0, 0] / 100
        return [Face(FrameBox(0, 0, *middle * 2), FrameLandmarks(points), 0.9)]


@pytest.mark.parametrize("source", ["utkface", "fairface", "prepared"])
def test_measured_sources_make_sense(source: str) -> None:
    """Shipped landmarks are a face: eyes level above the nose above the mouth, all inside."""
    usual = alignment_of(source)
    left_eye, right_eye, nose, left_mouth, right_mouth = usual.points
    assert (usual.points > 0).all() and (usual.points < (usual.width, usual.height)).all()
    assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert abs(left_eye[1] - right_eye[1]) < 0.01 * usual.height


def test_a_chip_of_unknown_origin_is_cut_like_utkface() -> None:
    """The most common way of cutting stands in for an unknown one."""
    assert (alignment_of("chip").points == alignment_of("utkface").points).all()


def test_an_unknown_source_is_refused() -> None:
    """A source that was not measured is named, with those that were."""
    with pytest.raises(FacesError, match=r"'imdb'.*fairface.*--crops detect"):
        alignment_of("imdb")


def test_scaling_keeps_pixel_centres() -> None:
    """Doubling a picture takes the centre of its first pixel to 0.5, of its last to the mirror."""
    usual = SourceAlignment(10, 10, np.array([[0.0, 0.0], [9.0, 9.0], [4.5, 4.5], [0, 9], [9, 0]]))
    points = usual.scaled_to(20, 20).points
    assert points[:3].tolist() == [[0.5, 0.5], [18.5, 18.5], [9.5, 9.5]]
    assert (usual.scaled_to(10, 10).points == usual.points).all()


def test_measuring_takes_medians(face_set: Callable[..., FaceSet]) -> None:
    """The median landmarks come out in pixels of the unpadded picture; missed faces are counted."""
    faces = face_set(*(Label(float(age)) for age in range(8)), side=40)
    measured = measure_alignment(faces, FakeDetector(), count=8, seed=2)
    assert (measured.width, measured.height, measured.seed) == (40, 40, 2)
    # Face 0 is black; the others' first channels are 37, 74, ... 259 mod 256.
    assert (measured.n, measured.missed) == (7, 1)
    shift = float(np.median([number * 37 % 256 for number in range(1, 8)])) / 100
    assert measured.points[2].tolist() == pytest.approx([20 + shift, 21 + shift])
    assert (measured.detector, measured.faces) == (FakeDetector.digest, faces.digest)


def test_pictures_of_several_sizes_have_no_alignment(face_set: Callable[..., FaceSet]) -> None:
    """A set of different sizes is refused with the sizes."""
    small, large = face_set(Label(1.0), side=24), face_set(Label(), Label(2.0), side=30)
    mixed = small.only([*small.faces, large.faces[1]])
    with pytest.raises(FacesError, match=r"(30 x 30|24 x 24).*pictures of one size"):
        measure_alignment(mixed, FakeDetector())


def test_no_face_at_all_is_an_error(face_set: Callable[..., FaceSet]) -> None:
    """Where the detector sees nothing there is nothing to measure."""
    with pytest.raises(FacesError, match="no face in any of 1 pictures"):
        measure_alignment(face_set(Label(1.0)), FakeDetector())


def test_entries_are_added_to_a_file(tmp_path: Path, face_set: Callable[..., FaceSet]) -> None:
    """A second source leaves the first as it is; the same again replaces itself."""
    path = tmp_path / "alignment.json"
    measured = measure_alignment(face_set(*[Label()] * 4, side=40), FakeDetector())
    add_to_file(path, "one", measured)
    first = json.loads(path.read_text())["one"]
    add_to_file(path, "two", measured)
    add_to_file(path, "two", measured)
    entries = json.loads(path.read_text())
    assert list(entries) == ["one", "two"] and entries["one"] == first
    assert np.array(first["landmarks"]).shape == (5, 2)


def test_a_foreign_file_is_not_overwritten(
    tmp_path: Path, face_set: Callable[..., FaceSet]
) -> None:
    """A file that is no alignment file stays as it is."""
    path = tmp_path / "notes.json"
    path.write_text("my notes")
    measured = measure_alignment(face_set(Label(), Label()), FakeDetector())
    with pytest.raises(OutputError, match="is no alignment file"):
        add_to_file(path, "one", measured)
    assert path.read_text() == "my notes"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["utkface", "fairface"])
def test_shipped_alignment_is_what_is_measured(shared_data: Path, source: str) -> None:
    """The shipped landmarks are within sampling error of those of 150 faces with the shipped
    float detector: five standard errors of a median, 1.25 deviation / sqrt(n), at each point."""
    faces = read_faces(shared_data / "data" / f"{source}-train.tar")
    detector = load_detector("mtcnn", scheme="float32")
    measured = measure_alignment(faces, detector, count=150, seed=1)
    bound = 5 * 1.25 * measured.deviation / math.sqrt(measured.n)
    assert (np.abs(measured.points - alignment_of(source).points) < bound).all()
