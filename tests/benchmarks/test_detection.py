"""Detectors on labelled photos: recall, false boxes, landmark distance, and bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks import cli, detection
from faceage_benchmarks.detection import measure_detection
from faceage_benchmarks.detection_figures import detection_figures
from faceage_benchmarks.detectors import NamedDetector, open_detector, package_faces
from faceage_benchmarks.photo_boxes import read_photos
from faceage_benchmarks.result import bootstrap_settings, read_result
from faceage_edge.errors import FacesError, MissingExtraError, UsageError

SETTINGS = bootstrap_settings("labelled faces")


@pytest.fixture
def figures(photos_folder: Path, fake_detectors: list[NamedDetector]) -> dict[str, dict[str, Any]]:
    """Figures of the two fake detectors by name."""
    samples = measure_detection(read_photos(photos_folder), fake_detectors)
    return {row["name"]: row for row in detection_figures(samples, SETTINGS)["detectors"]}


def test_recall_by_hand(figures: dict[str, dict[str, Any]]) -> None:
    """float32 finds three of three; int8 two, since one of its boxes is on no face."""
    assert (figures["float32"]["found"], figures["float32"]["recall"]) == (3, 1.0)
    assert (figures["int8"]["found"], figures["int8"]["recall"]) == (2, pytest.approx(2 / 3))
    assert figures["int8"]["recall_ci95"] == pytest.approx([0.208, 0.939], abs=1e-3)
    assert figures["float32"]["recall_ci95"] == pytest.approx([0.438, 1.0], abs=1e-3)


def test_false_boxes(figures: dict[str, dict[str, Any]]) -> None:
    """A box on no labelled face is false, unless it is on a face marked ignore."""
    assert (figures["int8"]["false_boxes"], figures["float32"]["false_boxes"]) == (1, 0)


def test_landmark_distance_by_hand(figures: dict[str, dict[str, Any]]) -> None:
    """Points 0 of 16 and 2 of 20 pixels between the eyes away: the median of 0 and 0.1."""
    # The first face's box moved by 4 and its points by -4: they lie where float32's lie.
    assert figures["int8"]["landmark_distance"] == pytest.approx(0.05)
    assert (figures["int8"]["landmark_faces"], figures["float32"]["landmark_faces"]) == (2, 3)
    assert figures["float32"]["landmark_distance"] == 0.0


def test_each_detector_is_timed_on_each_photo(photos_folder: Path) -> None:
    """Times are of detection alone, a warm-up apart, photo by photo in turn."""
    calls: list[str] = []
    now = 0.0

    def detector(name: str, seconds: float) -> NamedDetector:
        def detect(_frame: object) -> list[Any]:
            nonlocal now
            calls.append(name)
            now += seconds
            return []

        return NamedDetector(name, None, detect)

    samples = measure_detection(
        read_photos(photos_folder), [detector("a", 0.01), detector("b", 0.02)], clock=lambda: now
    )
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert samples["ms"] == {"a": [10.0, 10.0], "b": [20.0, 20.0]}


def test_command(
    photos_folder: Path,
    fake_detectors: list[NamedDetector],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command measures the named detectors and writes a file that says the rule."""
    by_name = {item.name: item for item in fake_detectors}
    monkeypatch.setattr(detection, "open_detector", lambda name, **_: by_name[name])
    out = tmp_path / "d.json"
    words = ["detection", "--photos", str(photos_folder), "--json", str(out)]
    assert cli.main([*words, "--detector", "float32", "--detector", "int8"]) == 0
    result = read_result(out)
    assert [row["name"] for row in result["detectors"]] == ["float32", "int8"]
    assert (result["n"], result["photos"], result["min_face"]) == (3, 2, 20.0)
    assert result["matching"]["iou"] == 0.3
    assert "one to one" in result["matching"]["rule"]


def test_a_detector_named_twice(photos_folder: Path, tmp_path: Path, capsys: Any) -> None:
    """Two columns of one name would overwrite each other."""
    words = ["detection", "--photos", str(photos_folder), "--json", str(tmp_path / "d.json")]
    assert cli.main([*words, "--detector", "int8", "--detector", "int8"]) == 2
    assert "twice" in capsys.readouterr().err


class FakePackage:
    """Answers as mtcnn.MTCNN does, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: Any = None

    def detect_faces(self, image: Any, *, min_face_size: float) -> list[dict[str, Any]]:
        self.seen = (image[0, 0].tolist(), min_face_size)
        points = {"nose": [5, 6], "mouth_right": [9, 10], "right_eye": [3, 4]}
        points |= {"left_eye": [1, 2], "mouth_left": [7, 8]}
        weak = {"box": [1, 2, 3, 4], "keypoints": points, "confidence": 0.5}
        return [weak, weak | {"confidence": 0.9}]


def test_package_is_shown_rgb_and_answers_in_our_order() -> None:
    """The package gets RGB; its named points come out in the order of FrameLandmarks."""
    package = FakePackage()
    frame = np.zeros((8, 8, 3), np.uint8)
    frame[...] = (1, 2, 3)
    faces = package_faces(package, frame, min_face=20)
    assert package.seen == ([3, 2, 1], 20)
    assert [face.score for face in faces] == [0.9, 0.5]
    assert faces[0].landmarks.points.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]


def test_package_cannot_look_for_larger_faces() -> None:
    """The package raises for a smallest face above 20 pixels; ours says so beforehand."""
    with pytest.raises(UsageError, match="--min-face 40"):
        open_detector("package", min_face=40)


def test_package_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the message names the extra that brings it."""
    monkeypatch.setitem(__import__("sys").modules, "mtcnn", None)
    with pytest.raises(MissingExtraError, match=r"faceage\[bench\]"):
        open_detector("package", min_face=20)


def test_other_thresholds(astronaut: Any) -> None:
    """A detector that hardly anything passes finds nothing; one whose aligner may doubt, more."""
    found = {
        name: len(open_detector(name, min_face=20).detect(astronaut))
        for name in ("face-finder", "face-finder@0.2,0.999999", "mtcnn:float32@0.6,0.7,0.999999999")
    }
    assert found["face-finder"] == 1
    assert found["face-finder@0.2,0.999999"] == found["mtcnn:float32@0.6,0.7,0.999999999"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("face-finder@0.2", r"has 2 networks \(single-shot, output\), found 1 probabilities"),
        ("face-finder@high,0.5", "expected probabilities between 0 and 1"),
        ("mtcnn@0.5,0.5,1", "expected probabilities between 0 and 1"),
    ],
)
def test_thresholds_that_are_none(name: str, message: str) -> None:
    """Too few, no numbers, or certain."""
    with pytest.raises(UsageError, match=message):
        open_detector(name, min_face=20)


def test_shipped_detectors_find_the_astronaut(shipped: Any, astronaut: Any) -> None:
    """Both schemes and a folder open by name and find the one face."""
    for name in ("int8", "float32", str(shipped.mtcnn)):
        opened = open_detector(name, min_face=40)
        assert len(opened.detect(astronaut)) == 1, name
        assert opened.digest
    assert open_detector("int8", min_face=40).digest != open_detector("float32", min_face=40).digest


BAD_BOXES = [
    # content of faces.xml, part of the message, note
    ("", "not XML", "an empty file"),
    ("<html></html>", "<html>", "another XML"),
    ("<dataset><image><box/></image></dataset>", "file", "an image without a name"),
    ("<dataset><image file='one.png'><box top='1'/></image></dataset>", "left", "half a box"),
    (
        "<dataset><image file='one.png'>"
        "<box top='1' left='x' width='3' height='3'/></image></dataset>",
        "x",
        "letters for numbers",
    ),
    (
        "<dataset><image file='one.png'>"
        "<box top='1' left='2' width='0' height='3'/></image></dataset>",
        "0 x 3",
        "a box of no width",
    ),
    ("<dataset><image file='one.png'/></dataset>", "no face box", "no face at all"),
    (
        "<dataset><image file='one.png'/>"
        "<image file='one.png'><box top='1' left='2' width='3' height='3'/></image></dataset>",
        "twice",
        "a photo named twice",
    ),
]


@pytest.mark.parametrize(("content", "message", "note"), BAD_BOXES)
def test_bad_box_files(tmp_path: Path, content: str, message: str, note: str) -> None:
    """A box file that cannot be meant is refused with what is wrong with it."""
    (tmp_path / "faces.xml").write_text(content)
    with pytest.raises(FacesError) as caught:
        read_photos(tmp_path)
    assert message in str(caught.value), note


def test_folders_without_photos(tmp_path: Path) -> None:
    """No folder, no box file, no photo: each its own message."""
    with pytest.raises(FacesError, match="not a folder"):
        read_photos(tmp_path / "nowhere")
    with pytest.raises(FacesError, match="--boxes"):
        read_photos(tmp_path)
    box = "<box top='1' left='2' width='3' height='3'/>"
    (tmp_path / "f.xml").write_text(f"<dataset><image file='gone.jpg'>{box}</image></dataset>")
    with pytest.raises(FacesError, match="gone"):
        read_photos(tmp_path)[0].picture()
    (tmp_path / "gone.jpg").write_text("not a picture")
    with pytest.raises(FacesError, match="not a picture"):
        read_photos(tmp_path)[0].picture()


def test_box_files_of_the_shared_photos(shared_data: Path) -> None:
    """The nine photos hold 43 boxes, as their description says."""
    photos = read_photos(shared_data / "photos")
    assert (len(photos), sum(len(photo.boxes) for photo in photos)) == (9, 43)
