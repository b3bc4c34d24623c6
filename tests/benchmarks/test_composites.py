"""Composed scenes as labelled pictures, and recall by size and condition."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks import cli
from faceage_benchmarks.composites import compose_pictures
from faceage_benchmarks.detection_figures import detection_figures
from faceage_benchmarks.detectors import open_detector
from faceage_benchmarks.result import bootstrap_settings, read_result
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import read_faces
from faceage_edge.detector import named_detector
from faceage_edge.errors import ModelFileError, UsageError


def sample(**more: Any) -> dict[str, Any]:
    """Two pictures with three faces of 30, 50 and 150 pixels, of which two are found."""
    point = [[0, 0], [9, 0], [5, 5], [1, 8], [8, 8]]

    def face(x: float, side: float) -> dict[str, Any]:
        return {"box": [x, 0, side, side], "score": 0.9, "landmarks": point}

    photos: list[dict[str, Any]] = [
        {"file": "a", "boxes": [[0, 0, 30, 30], [100, 0, 50, 50]], "ignored": []},
        {"file": "b", "boxes": [[0, 0, 150, 150]], "ignored": []},
    ]
    for photo, tags in zip(photos, more.get("tags", []), strict=False):
        photo["tags"] = tags
    found = [[face(100, 50)], [face(0, 150), face(400, 20)]]
    return {
        "photos": photos,
        "detections": {"one": found, "one:float32": found},
        "ms": {"one": [1.0, 2.0], "one:float32": [2.0, 4.0]},
        "digests": {"one": None, "one:float32": None},
    }


def test_recall_by_size_and_condition() -> None:
    """Each band and each tag has its own share; a face may have two tags, or be clean."""
    samples = sample(tags=[[["dark", "blur"], []], [["dark"]]])
    row = detection_figures(samples, bootstrap_settings("faces"))["detectors"][0]
    assert {name: (band["n"], band["recall"]) for name, band in row["by_size"].items()} == {
        "020-040": (1, 0.0),
        "040-060": (1, 1.0),
        "100-200": (1, 1.0),
    }
    assert {name: (one["n"], one["recall"]) for name, one in row["by_condition"].items()} == {
        "blur": (1, 0.0),
        "clean": (1, 1.0),
        "dark": (2, 0.5),
    }


def test_photos_have_no_conditions() -> None:
    """Where nobody said what is hard about a face, nothing is claimed."""
    row = detection_figures(sample(), bootstrap_settings("faces"))["detectors"][0]
    assert row["by_condition"] == {}
    # Two pictures have a median time, but no interval worth having.
    assert row["time_ratio"] is None


def test_landmarks_are_compared_with_the_same_detectors_float() -> None:
    """`one` against `one:float32`, whatever else took part."""
    rows = detection_figures(sample(), bootstrap_settings("faces"))["detectors"]
    assert [row["landmark_reference"] for row in rows] == ["one:float32"] * 2
    assert rows[0]["landmark_distance"] == 0


def test_times_are_compared_picture_by_picture() -> None:
    """Twice the time on each of six pictures is a ratio of 2, with no doubt about it."""
    samples = sample()
    samples["photos"] = [samples["photos"][0]] * 6
    for name, ms in (("one", 1.0), ("one:float32", 2.0)):
        samples["detections"][name] = [samples["detections"][name][0]] * 6
        samples["ms"][name] = [ms * (1 + i) for i in range(6)]
    rows = detection_figures(samples, bootstrap_settings("faces"))["detectors"]
    assert rows[0]["time_ratio"] == 1
    assert rows[1]["time_ratio"] == pytest.approx(2)
    low, high = rows[1]["time_ratio_ci95"]
    assert (low, high) == pytest.approx((2, 2))


def test_times_are_told_apart_by_the_faces_in_a_picture() -> None:
    """Twice the time where there is a face, four times where there are three."""
    samples = sample()
    one, boxes = samples["photos"][0], samples["photos"][0]["boxes"][:1]
    few, many = one | {"boxes": boxes}, one | {"boxes": boxes * 3}
    for photo in (few, many):
        photo.pop("tags", None)
    samples["photos"] = [few, many] * 6
    for name, factor in (("one", (1.0, 1.0)), ("one:float32", (2.0, 4.0))):
        samples["detections"][name] = [[]] * 12
        samples["ms"][name] = list(factor) * 6
    times = detection_figures(samples, bootstrap_settings("faces"))["detectors"][1]["time_by_faces"]
    assert {band: (row["photos"], row["time_ratio"]) for band, row in times.items()} == {
        "0-2": (6, 2.0),
        "3-": (6, 4.0),
    }


def test_scenes_are_of_the_test_part_alone(shared_data: Path) -> None:
    """Faces nobody trained on; as many as asked for; the same for the same seed."""
    path = shared_data / "data" / "fairface-train.tar"
    made = compose_pictures(path, count=12, seed=3)
    again = compose_pictures(path, count=12, seed=3)
    assert sum(len(one.boxes) for one in made) >= 12
    assert [one.digest() for one in made] == [one.digest() for one in again]
    assert all(box.height >= 20 for one in made for box in one.boxes)
    assert all(len(one.tags) == len(one.boxes) for one in made)
    split = split_by_digest(read_faces(path, labelled=False))
    assert (len(split.test.faces), len(split.choice.faces)) == (1500, 1500)


def test_the_command_measures_composites(shared_data: Path, tmp_path: Path) -> None:
    """One command, one result that holds the schema, with bands and conditions."""
    out = tmp_path / "r.json"
    words = ["detection", "--composites", str(shared_data / "data" / "fairface-train.tar")]
    words += ["--count", "12", "--detector", "face-finder", "--detector", "face-finder:float32"]
    assert cli.main([*words, "--json", str(out)]) == 0
    result = read_result(out)
    assert [row["name"] for row in result["detectors"]] == ["face-finder", "face-finder:float32"]
    assert result["n"] >= 12
    assert result["detectors"][0]["by_condition"]


@pytest.mark.parametrize("words", [["--photos", "p", "--composites", "c"], []])
def test_one_kind_of_pictures(words: list[str]) -> None:
    """Photos or composed scenes, one of the two."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["detection", *words, "--json", "r.json"])
    assert caught.value.code == 2


def test_boxes_are_of_photos(tmp_path: Path) -> None:
    """Composed scenes know their faces."""
    words = ["detection", "--composites", "c", "--boxes", "b.xml", "--json", str(tmp_path / "r")]
    assert cli.main(words) == 2


def test_detectors_by_name_and_scheme() -> None:
    """A shipped name takes its int8 networks, and others where a scheme follows."""
    assert named_detector("mtcnn").scheme == "int8"
    assert named_detector("face-finder:float32").scheme == "float32"
    with pytest.raises(ModelFileError, match="no model 'nothing:int4'"):
        named_detector("nothing:int4")


def test_a_peer(shared_data: Path) -> None:
    """RFB-320 finds the same frontal face as its own demonstration would; it has no landmarks."""
    from skimage.data import astronaut

    file = shared_data / "third_party" / "detectors" / "rfb_320.tflite"
    peer = open_detector(f"rfb320={file}", min_face=20)
    (face,) = peer.detect(np.ascontiguousarray(astronaut()[..., ::-1]))
    x, y = face.box.center
    assert abs(x - 224) < 12 and abs(y - 122) < 15
    assert np.ptp(face.landmarks.points, axis=0).max() == 0


def test_an_unknown_peer_is_named() -> None:
    """The message lists those there are."""
    with pytest.raises(UsageError, match=r"no peer 'yolo' to measure.*rfb320"):
        open_detector("yolo=x.tflite", min_face=20)
