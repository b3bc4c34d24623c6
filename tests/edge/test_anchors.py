"""Anchors of a contract, and the one decoder of all detectors that have some."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.anchor_shot import AnchorShot
from faceage_edge.box_shot import BoxShot
from faceage_edge.brought import Brought, five_points, usual_points
from faceage_edge.bundles import find
from faceage_edge.contract import Contract
from faceage_edge.detector import load_detector
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.model import Model, load_model

Document = dict[str, Any]
Values = dict[str, npt.NDArray[np.float32]]
# Of the golden contract: 4 x 2 cells of 8 pixels, two anchors each.
ANCHORS = 16


class Answering:
    """An interpreter that gives the same values whatever it is shown."""

    def __init__(self, contract: Contract, values: Values) -> None:
        self._names = [output.name for output in contract.outputs]
        self._values = values

    def get_input_details(self) -> list[Document]:
        return [{"index": 0}]

    def get_output_details(self) -> list[Document]:
        return [{"name": name, "index": i} for i, name in enumerate(self._names)]

    def set_tensor(self, index: int, value: object) -> None:
        pass

    def invoke(self) -> None:
        pass

    def get_tensor(self, index: int) -> npt.NDArray[np.float32]:
        return self._values[self._names[index]]


def nothing() -> Values:
    """Outputs of the golden anchors contract in which no anchor sees a face."""
    return {
        "class": np.full((1, ANCHORS, 2), -9, np.float32),
        "object": np.full((1, ANCHORS, 2), 0.01, np.float32),
        "box": np.zeros((1, ANCHORS, 4), np.float32),
        "points": np.zeros((1, ANCHORS, 10), np.float32),
    }


def shot(contract: Contract, values: Values) -> AnchorShot:
    """The decoder around those values."""
    return AnchorShot(Model(contract, Answering(contract, values), Path("made-up.tflite")))


@pytest.fixture
def anchored(golden_contract: Callable[[str], Contract]) -> Contract:
    """The golden contract of the stage."""
    return golden_contract("detector-anchors")


def test_a_box_is_where_its_numbers_say(anchored: Contract) -> None:
    """By hand: the anchor of 16 x 12 in column 2, row 1; the frame is twice the input."""
    values = nothing()
    anchor = (1 * 4 + 2) * 2 + 1
    values["class"][0, anchor, 1], values["object"][0, anchor, 1] = 2.0, 0.9
    # y, x, h, w: down by half of a half of 12, across back by half of 16; sides exp(0.25 * 0.4).
    values["box"][0, anchor] = (0.5, -1.0, 0.4, 0.4)
    values["points"][0, anchor] = (0, 0, 1, 0, 0, 1, -1, -1, 0.5, 0.5)
    frame = np.zeros((32, 64, 3), np.uint8)
    found = shot(anchored, values).propose(frame)
    x, y, grown = 20 - 8, 12 + 3, np.exp(0.1)
    half = np.array([8 * grown, 6 * grown])
    expected = np.array([x - half[0], y - half[1], x + half[0], y + half[1]]) * 2
    np.testing.assert_allclose(found.boxes, [expected])
    # The root of the product of sigmoid(2) and 0.9; float32 holds 0.9 to 1e-7.
    np.testing.assert_allclose(found.scores, [np.sqrt(0.9 / (1 + np.exp(-2)))], rtol=1e-6)
    points = np.array([[20, 12], [28, 12], [20, 18], [12, 6], [24, 15]]) * 2.0
    assert found.points is not None
    np.testing.assert_allclose(found.points, [points])


def test_linear_sides_are_lengths(anchored: Contract) -> None:
    """As BlazeFace has them: anchors of one pixel, values in pixels; points behind the box."""
    stage = anchored.detector
    assert stage is not None and stage.anchors is not None
    grid = replace(
        stage.anchors.grids[0],
        sides=((1.0, 1.0), (1.0, 1.0)),
        scores=("class",),
        points="box",
    )
    anchors = replace(
        stage.anchors, centre_step=1.0, side_step=1.0, sides="linear", order="xywh", points="six",
        grids=(grid,),
    )  # fmt: skip
    outputs = tuple(
        replace(one, size=16 * ANCHORS) if one.name == "box" else one
        for one in anchored.outputs
        if one.name in ("class", "box")
    )
    contract = replace(anchored, outputs=outputs, detector=replace(stage, anchors=anchors))
    values = {"class": nothing()["class"], "box": np.zeros((1, ANCHORS, 16), np.float32)}
    values["class"][0, 0, 1] = 3.0
    values["box"][0, 0] = (6, 4, 10, 8, -2, -1, 2, -1, 0, 1, 0, 3, -5, 0, 5, 0)
    found = shot(contract, values).propose(np.zeros((16, 32, 3), np.uint8))
    np.testing.assert_allclose(found.boxes, [[5, 4, 15, 12]])
    assert found.points is not None
    np.testing.assert_allclose(found.points[0, :4], [[2, 3], [6, 3], [4, 5], [4, 7]])


def test_nothing_found_is_empty(anchored: Contract) -> None:
    """No anchor above the threshold, and anchors whose numbers are nonsense."""
    values = nothing()
    frame = np.zeros((20, 20, 3), np.uint8)
    assert len(shot(anchored, values).propose(frame).scores) == 0
    values["class"][0, 3, 1], values["object"][0, 3, 1] = 9.0, 1.0
    values["box"][0, 3, 0] = np.nan
    assert len(shot(anchored, values).propose(frame).scores) == 0


def test_overlapping_candidates_become_few(anchored: Contract) -> None:
    """All anchors at one place are one face, the surest."""
    values = nothing()
    values["class"][..., 1], values["object"][..., 1] = 5.0, 0.9
    values["class"][0, 5, 1] = 6.0
    found = shot(anchored, values).propose(np.zeros((16, 32, 3), np.uint8))
    assert found.scores[0] == max(found.scores)
    assert (np.diff(found.scores) <= 0).all()
    assert len(found.scores) < ANCHORS


@pytest.mark.parametrize(
    ("path", "value", "message", "note"),
    [
        (("grids",), [], "a list of objects", "no grid"),
        (("grids", 0, "columns"), 0, "from 1 to", "no column"),
        (("grids", 0, "stride"), [8], "2 numbers", "one stride"),
        (("grids", 0, "stride"), [8, 0], "expected above 0", "a stride of nothing"),
        (("grids", 0, "sides"), [], "at least one item", "no anchor"),
        (("grids", 0, "sides"), [[8, -1]], "expected above 0", "a side below nothing"),
        (("grids", 0, "sides"), [8, 16], "pairs of numbers", "sides that are no pairs"),
        (("grids", 0, "scores"), ["a", "b", "c"], "expected one or two", "three scores"),
        (("grids", 0, "scores"), [3], "a list of texts", "a number for a name"),
        (("grids", 0, "points"), ..., "'points' is missing", "landmarks of no output"),
        (("points",), "seven", "one of none, five, six", "unknown landmarks"),
        (("sides",), "square", "exponential, linear", "unknown sides"),
        (("order",), "whxy", "xywh, yxhw", "unknown order"),
        (("centre_step",), 0, "above 0", "a step of nothing"),
        (("score_index",), -1, "from 0", "before the first"),
    ],
)
def test_what_anchors_cannot_be(
    path: tuple[str | int, ...],
    value: object,
    message: str,
    note: str,
    golden_document: Callable[[str], Document],
    changed: Callable[..., Document],
) -> None:
    """Each is one message that names the field."""
    document = changed(golden_document("detector-anchors"), ("detector", "anchors", *path), value)
    with pytest.raises(ContractError, match=message):
        Contract.from_json(document, "here")


@pytest.mark.parametrize(
    ("path", "value", "note"),
    [
        (("grids", 0, "rows"), 3, "more anchors than numbers"),
        (("grids", 0, "boxes"), "bax", "a name that no output has"),
        (("grids", 0, "boxes"), "class", "an output of other numbers"),
        (("score_index",), 2, "behind the last score"),
        (("points",), "six", "six landmarks in the room of five"),
    ],
)
def test_anchors_that_are_not_the_outputs(
    path: tuple[str | int, ...],
    value: object,
    note: str,
    golden_document: Callable[[str], Document],
    changed: Callable[..., Document],
) -> None:
    """A contract of another network is refused before a frame is looked at."""
    document = changed(golden_document("detector-anchors"), ("detector", "anchors", *path), value)
    with pytest.raises(ContractError, match="another network's"):
        shot(Contract.from_json(document, "here"), nothing())


def test_finished_boxes(golden_contract: Callable[[str], Contract]) -> None:
    """Shares of the input become pixels of the frame; other classes and uncounted ones go."""
    contract = golden_contract("detector-boxes")
    values = {
        "boxes": np.array([[[0.1, 0.2, 0.5, 0.4], [0, 0, 1, 1], [0.6, 0.6, 0.9, 0.9]]], np.float32),
        "scores": np.array([[0.9, 0.8, 0.7]], np.float32),
        "classes": np.array([[1, 0, 1]], np.float32),
        "count": np.array([2], np.float32),
    }
    model = Model(contract, Answering(contract, values), Path("made-up.tflite"))
    found = BoxShot(model).propose(np.zeros((200, 200, 3), np.uint8))
    np.testing.assert_allclose(found.boxes, [[40, 20, 80, 100]], rtol=1e-6)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-6)
    assert found.points is None


def test_a_decoder_takes_its_own_stage_only(golden_contract: Callable[[str], Contract]) -> None:
    """Either says what it was given."""
    for name, kind in (("detector-boxes", AnchorShot), ("detector-anchors", BoxShot)):
        contract = golden_contract(name)
        with pytest.raises(ContractError, match=r"made-up\.tflite is a .* model, expected"):
            kind(Model(contract, Answering(contract, {}), Path("made-up.tflite")))


def test_blazeface_mouth_corners_lie_along_the_eyes() -> None:
    """On a head that leans by 45 degrees too; the middle is kept."""
    points = np.array([[0, 0], [10, 10], [2, 8], [0, 12], [-5, 2], [12, 15]], float)
    five = five_points(points).points
    np.testing.assert_allclose(five[:3], points[:3] - 0.5)
    np.testing.assert_allclose(five[3:].mean(axis=0), points[3] - 0.5)
    across = five[4] - five[3]
    assert across[0] == pytest.approx(across[1]) and across[0] > 0


def test_usual_points_are_a_face() -> None:
    """Inside the box, eyes above the nose above the mouth, left of right."""
    left, right, nose, left_mouth, right_mouth = usual_points(
        np.array([100.0, 50, 200, 180])
    ).points
    assert 100 < left[0] < nose[0] < right[0] < 200
    assert 50 < left[1] < nose[1] < left_mouth[1] < 180
    assert left_mouth[0] < right_mouth[0]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("age-tiny/age-tiny.int8.tflite", "an age model"),
        ("mtcnn/mtcnn-onet.int8.tflite", "a detector's output network"),
    ],
)
def test_a_file_that_is_no_whole_detector(name: str, found: str) -> None:
    """One message: what it is, and what to name instead."""
    with pytest.raises(ModelFileError, match=rf"is {found}, expected a whole face detector"):
        load_detector(find(name))


def test_landmarks_are_lent_to_a_detector_without(
    golden_contract: Callable[[str], Contract], astronaut: npt.NDArray[np.uint8]
) -> None:
    """Her face's box gets her landmarks, a box of wall those of a usual face; both stay."""
    contract = golden_contract("detector-boxes")
    # The astronaut is 512 pixels wide and high; her face and a corner, as shares.
    boxes = np.array([[0.12, 0.34, 0.35, 0.54], [0.0, 0.0, 0.2, 0.2], [0, 0, 0, 0]], np.float32)
    values = {
        "boxes": boxes[None],
        "scores": np.array([[0.9, 0.8, 0.7]], np.float32),
        "classes": np.ones((1, 3), np.float32),
        "count": np.array([3], np.float32),
    }
    aligner = load_model(find("mtcnn/mtcnn-onet.int8.tflite"))
    model = Model(contract, Answering(contract, values), Path("made-up.tflite"))
    face, wall = Brought(model, aligner).detect(astronaut)
    # By hand, as in test_single_shot: within 8 pixels, the eyes 43 apart.
    seen = np.array([[204, 101], [247, 103], [223, 127], [202, 140], [245, 141]], float)
    assert np.abs(face.landmarks.points - seen).max() < 8
    corner = np.array([0.0, 0.0, 0.2, 0.2]) * 512
    np.testing.assert_allclose(wall.landmarks.points, usual_points(corner).points, atol=0.01)
    assert (face.score, wall.score) == pytest.approx((0.9, 0.8), rel=1e-6)
