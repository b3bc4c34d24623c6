"""An SSD of the user's: its last operation taken off, and what its anchors are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.convert.toy_detectors import ssd, ssd_anchors

from faceage_convert.embed import embed_contract
from faceage_convert.own_detector import convert_detector, import_detector
from faceage_edge.anchors import AnchorGrid, Anchors
from faceage_edge.crop import Picture
from faceage_edge.detector import load_detector
from faceage_edge.errors import ModelFileError
from faceage_models.post_process import anchor_table
from faceage_models.ssd_post_process import grids_of, take_apart


def written(folder: Path, least_score: float = 0.0) -> Path:
    """The made-up one in a file; its operation holds back what scores less."""
    path = folder / "ssd.tflite"
    path.write_bytes(ssd(least_score))
    return path


def test_ssd_taken_apart_finds_the_boxes_of_its_own_operation(tmp_path: Path) -> None:
    """Our decoder from the graph's anchors, against the operation, on the same float network."""
    source = import_detector(written(tmp_path))
    stage = source.contract.detector
    assert stage is not None
    # Scores of an untrained network lie near one half: let all pass.
    contract = replace(source.contract, detector=replace(stage, logit_threshold=-5.0))
    whole, _ = embed_contract(source.data, contract, "whole")
    bare, described = take_apart(source.data, contract, "apart")
    apart, _ = embed_contract(bare, described, "apart")
    coarse = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    frame: Picture = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    found = []
    for name, data in (("whole", whole), ("apart", apart)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(data)
        found.append(load_detector(path).detect(frame, min_face=1))
    # The operation gives six boxes at most, and leaves those that are cut to nothing.
    assert len(found[0]) >= 3
    for one, other in zip(found[0][:3], found[1][:3], strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
        # Thousandths of a pixel: the operation works on shares in float32.
        assert vars(one.box) == pytest.approx(vars(other.box), abs=1e-2)


def test_an_ssd_that_finds_no_face_in_drawings_is_converted(tmp_path: Path) -> None:
    """A trained one sees none in the pictures that files are verified on: all answers are alike."""
    source = import_detector(written(tmp_path, 0.999))
    assert source.contract.golden["xnnpack"]["detected_count"] == [[0.0]] * 3
    converted = convert_detector(source, "none", None)
    assert [item.contract.scheme for item in converted] == ["float32", "float32"]


def test_anchors_that_are_no_grid() -> None:
    """A table in another order, or one cut short, is refused by its first odd row."""
    table = ssd_anchors().astype(np.float64)
    grids = grids_of(table, 64, 64, ("scores", "boxes"), "file")
    assert [(grid.columns, grid.rows, grid.count) for grid in grids] == [(8, 8, 64), (4, 4, 32)]
    np.testing.assert_allclose(grids[1].sides, [(25.6, 32.0), (38.4, 38.4)], rtol=1e-6)
    with pytest.raises(ModelFileError, match="number 0 on lie on no grid"):
        grids_of(table[:50], 64, 64, ("scores", "boxes"), "file")
    table[70, 0] += 0.1
    with pytest.raises(ModelFileError, match="number 64 on lie on no grid"):
        grids_of(table, 64, 64, ("scores", "boxes"), "file")


def test_anchors_below_the_picture() -> None:
    """RFB's cells of 32 and 64 pixels do not fill 240: the rows that reach beyond are a grid's."""
    wanted = [(8, 40, 30, (10, 16, 24)), (32, 10, 8, (64, 96)), (64, 5, 4, (128, 192, 256))]
    grids = tuple(
        AnchorGrid(across, down, (stride, stride), tuple((s, s) for s in sides), ("s",), "b")
        for stride, across, down, sides in wanted
    )
    anchors = Anchors(0.1, 0.2, "exponential", "yxhw", 0.5, 1, "none", grids)
    table = anchor_table(anchors, 320, 240)
    found = grids_of(table.astype(np.float64), 320, 240, ("s", "b"), "file")
    assert [(one.columns, one.rows, one.stride) for one in found] == [
        (one.columns, one.rows, one.stride) for one in grids
    ]
    for one, other in zip(found, grids, strict=True):
        np.testing.assert_allclose(one.sides, other.sides, rtol=1e-6)


@pytest.mark.parametrize(("least", "logit"), [(0.0, 0.0), (0.3, 0.0), (0.7, 0.847298)])
def test_the_operations_own_threshold_holds(tmp_path: Path, least: float, logit: float) -> None:
    """Taken apart a detector finds no face that its operation held back: the higher one counts."""
    source = import_detector(written(tmp_path, least))
    _, contract = take_apart(source.data, source.contract, "apart")
    assert contract.detector is not None
    assert contract.detector.logit_threshold == pytest.approx(logit, abs=1e-5)
