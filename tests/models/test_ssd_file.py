"""RFB-320 as an SSD whose boxes come out finished: the same faces."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.convert.toy_detectors import blazeface_like, rfb_like

from faceage_convert.embed import embed_contract
from faceage_convert.own_detector import import_detector
from faceage_edge.crop import Picture
from faceage_edge.detector import load_detector
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.geometry import Face
from faceage_edge.model import read_model_bytes
from faceage_models.detector_families import family_of
from faceage_models.ssd_file import main, ssd_of_rfb
from faceage_models.ssd_post_process import take_apart
from faceage_models.tflite_constants import fold_constants

ROOT = Path(__file__).resolve().parents[2]
STATED = ROOT / "models" / "recipes" / "contracts" / "rfb-320-ssd.toml"


def three_ways(path: Path, folder: Path, least_logit: float | None = None) -> dict[str, Path]:
    """The file with its contract, the same as an SSD, and the SSD taken apart again."""
    ssd = folder / "rfb-320-ssd.tflite"
    ssd.write_bytes(ssd_of_rfb(read_model_bytes(path), "rfb", least_logit=least_logit))
    sources = {"own": import_detector(path), "ssd": import_detector(ssd, STATED)}
    files = {}
    for name, source in sources.items():
        stage = source.contract.detector
        assert stage is not None
        logit = stage.logit_threshold if least_logit is None else least_logit
        contract = replace(source.contract, detector=replace(stage, logit_threshold=logit))
        files[name] = folder / f"{name}.tflite"
        files[name].write_bytes(embed_contract(source.data, contract, name)[0])
        if name == "ssd":
            bare, apart = take_apart(source.data, contract, name)
            files["apart"] = folder / "apart.tflite"
            files["apart"].write_bytes(embed_contract(bare, apart, "apart")[0])
    return files


def assert_same(one: Sequence[Face], other: Sequence[Face]) -> None:
    """In their order; thousandths of a pixel, for the operation works on shares in float32."""
    for mine, theirs in zip(one, other, strict=True):
        assert mine.score == pytest.approx(theirs.score, abs=1e-4)
        assert vars(mine.box) == pytest.approx(vars(theirs.box), abs=5e-3)


def test_no_prior_is_longer_than_the_picture() -> None:
    """As its authors cut them off: of 256 pixels on 240 rows, 240 are left."""
    read = read_model_file(fold_constants(rfb_like(), "rfb"), "rfb")
    assert read.inputs[0].shape[1:3] == (240, 320)
    anchors = family_of(read, "rfb").stage.anchors
    assert anchors is not None
    assert anchors.grids[-1].sides == ((128.0, 128.0), (192.0, 192.0), (256.0, 240.0))


def test_a_network_of_that_form_keeps_its_boxes(tmp_path: Path) -> None:
    """Made up, its filters turned: what the operation gives is what our decoder gives."""
    path = tmp_path / "rfb.tflite"
    path.write_bytes(rfb_like())
    files = three_ways(path, tmp_path, least_logit=-5.0)
    coarse = np.random.default_rng(1).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    frame: Picture = np.kron(coarse, np.ones((20, 20, 1), np.uint8))
    found = {name: load_detector(file).detect(frame, min_face=1) for name, file in files.items()}
    # The operation gives the hundred surest.
    assert len(found["ssd"]) >= 5
    assert_same(found["ssd"][:5], found["own"][:5])
    assert_same(found["apart"][:5], found["own"][:5])


def test_the_published_network_finds_the_same_faces(shared_data: Path, tmp_path: Path) -> None:
    """On photographs, to its own thresholds: through the operation, and without it."""
    files = three_ways(shared_data / "third_party" / "detectors" / "rfb_320.tflite", tmp_path)
    detectors = {name: load_detector(file) for name, file in files.items()}
    faces = 0
    for photo in sorted((shared_data / "photos").glob("*.jpg")):
        frame = np.asarray(cv2.imread(str(photo)), np.uint8)
        found = {name: one.detect(frame, min_face=20) for name, one in detectors.items()}
        assert_same(found["ssd"], found["own"])
        assert_same(found["apart"], found["own"])
        faces += len(found["own"])
    assert faces > 40


@pytest.mark.parametrize("kind", ["other", "damaged", "missing"])
def test_another_network_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, and an earlier file stays."""
    path, out = tmp_path / "theirs.tflite", tmp_path / "out.tflite"
    out.write_bytes(b"earlier")
    if kind != "missing":
        path.write_bytes(blazeface_like() if kind == "other" else b"TFL3" * 9)
    assert main(["--model", str(path), "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err and "theirs.tflite" in err
    assert kind != "other" or "is BlazeFace of float32, expected RFB in float32" in err
    assert out.read_bytes() == b"earlier"
