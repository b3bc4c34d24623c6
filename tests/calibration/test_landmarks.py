"""Landmarks of the one face a picture shows, found and remembered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceage_calibration.landmark_cache import LandmarkCache, cache_folder
from faceage_calibration.landmarks import find_landmarks
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

POINTS = np.array([[4.0, 4.0], [8.0, 4.0], [6.0, 6.0], [4.5, 8.0], [7.5, 8.0]])


class FakeDetector:
    """Returns given faces and counts how often it is asked."""

    def __init__(self, *faces: Face, digest: str = "ab" * 32) -> None:
        self.digest = digest
        self.faces = list(faces)
        self.frames: list[tuple[int, ...]] = []
        self.smallest: list[float] = []

    def detect(self, frame: np.ndarray, *, min_face: float = 40) -> list[Face]:
        """Return the given faces."""
        self.frames.append(frame.shape)
        self.smallest.append(min_face)
        return self.faces


def face_at(x: float, y: float, score: float = 0.9) -> Face:
    """Return a 10 px face with its top left corner at (x, y)."""
    return Face(FrameBox(x, y, 10, 10), FrameLandmarks(POINTS + np.array([x, y])), score)


PICTURE = np.zeros((100, 200, 3), np.uint8)


def test_landmarks_are_in_the_pictures_own_pixels() -> None:
    """The padding that the detector needs does not show in the result."""
    detector = FakeDetector(face_at(160, 75))
    found = find_landmarks(PICTURE, detector)
    assert found is not None
    # 30 % of 200 x 100 on each side.
    assert detector.frames == [(160, 320, 3)]
    assert (found.points == POINTS + np.array([100, 45])).all()
    assert detector.smallest == [20.0]


def test_the_face_nearest_the_centre_counts() -> None:
    """Not the surest face, but the one the picture was cut around."""
    found = find_landmarks(PICTURE, FakeDetector(face_at(10, 10, 0.99), face_at(150, 80, 0.8)))
    assert found is not None
    assert found.points[0].tolist() == [150 + 4 - 60, 80 + 4 - 30]


def test_no_face_is_none() -> None:
    """A picture without a face has no landmarks."""
    assert find_landmarks(PICTURE, FakeDetector()) is None


def test_tiny_pictures_do_not_ask_for_less_than_a_window() -> None:
    """The smallest face asked for never goes below a detector's own window of 12 pixels."""
    detector = FakeDetector()
    find_landmarks(np.zeros((20, 20, 3), np.uint8), detector)
    assert detector.smallest == [12.0]


def test_landmarks_are_remembered(tmp_path: Path) -> None:
    """A picture is looked at once, also when nothing was found, also by the next run."""
    detector = FakeDetector(face_at(100, 50))
    blind = FakeDetector(digest="cd" * 32)
    for _ in range(2):
        for finder, expected in ((detector, True), (blind, False)):
            cache = LandmarkCache(finder, tmp_path)
            assert all((cache.find(PICTURE, "12" * 32) is not None) == expected for _ in range(3))
    assert (len(detector.frames), len(blind.frames)) == (1, 1)


def test_remembered_is_what_was_found(tmp_path: Path) -> None:
    """What a later run reads is what the first one found, to a thousandth of a pixel."""
    detector = FakeDetector(face_at(100 + 1 / 3, 50))
    first = LandmarkCache(detector, tmp_path).find(PICTURE, "12" * 32)
    later = LandmarkCache(detector, tmp_path).find(PICTURE, "12" * 32)
    assert first is not None and later is not None
    assert np.abs(first.points - later.points).max() <= 0.0005


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\xff\xfe garbage\n", id="bytes"),
        pytest.param(b"[1, 2]\n", id="no object"),
        pytest.param(b'{"picture": "3434"}\n', id="no landmarks"),
        pytest.param(b'{"picture": "3434", "landmarks": [[1, 2]]}\n', id="too few"),
        pytest.param(
            b'{"picture": "3434", "landmarks": [[NaN, 2]' + b", [1, 2]" * 4 + b"]}\n", id="NaN"
        ),
        pytest.param(b'{"picture": "3434", "landm', id="cut"),
    ],
)
def test_damaged_lines_are_passed_over(tmp_path: Path, line: bytes) -> None:
    """A line that makes no sense is forgotten; the others stay."""
    detector = FakeDetector(face_at(100, 50))
    LandmarkCache(detector, tmp_path).find(PICTURE, "12" * 32)
    (path,) = tmp_path.iterdir()
    path.write_bytes(line + path.read_bytes() if line.endswith(b"\n") else path.read_bytes() + line)
    cache = LandmarkCache(detector, tmp_path)
    cache.find(PICTURE, "12" * 32)
    assert len(detector.frames) == 1
    cache.find(PICTURE, "3434")
    assert len(detector.frames) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Where nothing can be kept, landmarks are found each time."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    detector = FakeDetector(face_at(100, 50))
    for _ in range(2):
        cache = LandmarkCache(detector, blocked / "below")
        assert cache.find(PICTURE, "12" * 32) is not None
    assert len(detector.frames) == 2


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param("/var/tmp/c", "/var/tmp/c/faceage", id="an absolute folder"),
        pytest.param("caches", "/users/me/.cache/faceage", id="a relative one does not count"),
        pytest.param("", "/users/me/.cache/faceage", id="an empty one neither"),
        pytest.param(None, "/users/me/.cache/faceage", id="not set"),
    ],
)
def test_where_the_cache_lies(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, expected: str
) -> None:
    """The XDG base directory rule decides."""
    monkeypatch.setattr(Path, "home", lambda: Path("/users/me"))
    if variable is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert cache_folder() == Path(expected)


def test_users_without_a_home_have_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service account without a home folder still finds landmarks."""

    def nowhere() -> Callable[[], Path]:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    detector = FakeDetector(face_at(100, 50))
    assert LandmarkCache(detector).find(PICTURE, "12" * 32) is not None
