"""Ranges of a detector cascade."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from faceage_calibration.detector_ranges import find_float_stages, record_detector_ranges
from faceage_edge.detector import load_detector
from faceage_edge.errors import FacesError, ModelFileError


@pytest.fixture(scope="module")
def folder(repo_root: Path) -> Path:
    """The shipped detector, float and int8."""
    return repo_root / "models" / "mtcnn"


def test_the_float_networks_are_found_among_others(folder: Path) -> None:
    """Of a folder with both schemes the three float files, by stage."""
    stages = find_float_stages(folder)
    assert {name: stage.path.name for name, stage in stages.items()} == {
        "proposal": "mtcnn-pnet.float32.tflite",
        "refine": "mtcnn-rnet.float32.tflite",
        "output": "mtcnn-onet.float32.tflite",
    }


def test_a_network_that_lacks_is_named(folder: Path, tmp_path: Path) -> None:
    """Two of three networks are no detector."""
    for network in ("pnet", "onet"):
        for suffix in ("tflite", "json"):
            name = f"mtcnn-{network}.float32.{suffix}"
            shutil.copy(folder / name, tmp_path / name)
    with pytest.raises(ModelFileError, match="lacks the detector's float32 refine network"):
        find_float_stages(tmp_path)


def test_a_network_that_is_twice_there_is_named(folder: Path, tmp_path: Path) -> None:
    """Which of two files counts is not guessed."""
    shutil.copy(folder / "mtcnn-pnet.float32.tflite", tmp_path / "a.tflite")
    shutil.copy(folder / "mtcnn-pnet.float32.tflite", tmp_path / "b.tflite")
    with pytest.raises(ModelFileError, match=r"two float32 proposal networks, a\.tflite and b"):
        find_float_stages(tmp_path)


def test_each_network_is_watched_on_its_own_inputs(folder: Path, astronaut: np.ndarray) -> None:
    """A face reaches the last network; its ranges hold the outputs that detection computes."""
    frame = astronaut[:240, 100:400].copy()
    stages = find_float_stages(folder)
    done: list[int] = []
    recorded = record_detector_ranges(stages, [frame, frame], progress=done.append)
    assert done == [1, 2]
    proposal, refine, output = (recorded[name][0] for name in ("proposal", "refine", "output"))
    # Canvas and batch are half filler: means only of the network that sees one face a call.
    assert [bool(recorded[name][1]) for name in recorded] == [name == "output" for name in recorded]
    assert proposal["input"][0] < 0 < proposal["input"][1]
    assert refine["face_logit"][0] < 0 < refine["face_logit"][1]
    best = load_detector(folder, scheme="float32").detect(frame, min_face=20)[0]
    logit = np.log(best.score / (1 - best.score))
    # XNNPACK and built-in kernels add up in different orders: 1e-3 is far above float32's noise.
    assert output["face_logit"][1] >= logit - 1e-3


def test_frames_without_faces_leave_no_ranges(folder: Path) -> None:
    """A grey wall proposes nothing, so the later networks have seen nothing but filler."""
    wall = np.full((240, 320, 3), 90, np.uint8)
    with pytest.raises(FacesError, match=r"mtcnn-rnet.*given nothing to look at"):
        record_detector_ranges(find_float_stages(folder), [wall])


def test_no_frames_leave_no_ranges(folder: Path) -> None:
    """Nothing recorded is an error, not an empty file."""
    with pytest.raises(FacesError, match="given nothing to look at"):
        record_detector_ranges(find_float_stages(folder), [])
