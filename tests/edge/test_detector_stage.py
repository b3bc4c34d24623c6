"""What a contract says of a network's place in a detector."""

from typing import Any

import pytest

from faceage_edge.detector_stage import Stage, parse_stage, stage_document
from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

ANCHORS = {
    "centre_step": 0.1,
    "side_step": 0.2,
    "sides": "exponential",
    "order": "xywh",
    "offset": 0.5,
    "score_index": 0,
    "points": "none",
    "grids": [
        {
            "columns": 4,
            "rows": 3,
            "stride": [8.0, 8.0],
            "sides": [[16.0, 16.0], [24.0, 24.0]],
            "scores": ["a"],
            "boxes": "b",
        }
    ],
}
SHOT = {"stage": "single-shot", "logit_threshold": -1.5, "nms": 0.4, "anchors": ANCHORS}
LEVELS = [{"stride": 8, "logits": "a", "boxes": "b"}]


def parsed(**changes: Any) -> Stage:
    """The single-shot stage with some fields changed; None takes one out."""
    document = {key: value for key, value in {**SHOT, **changes}.items() if value is not None}
    return parse_stage(Fields(document, "here"))


def test_a_single_shot_stage_is_read_and_written() -> None:
    """How its anchors decode; writing undoes reading."""
    stage = parsed()
    assert stage.anchors is not None and stage.anchors.grids[0].count == 24
    assert stage_document(stage) == SHOT


def test_other_stages_have_no_anchors() -> None:
    """A cascade's stage is written as it always was."""
    document = {"stage": "proposal", "logit_threshold": 0.4, "nms": 0.7, "stride": 2, "cell": 12}
    assert stage_document(parse_stage(Fields(document, "here"))) == document
    output = {"stage": "output", "logit_threshold": 0.0, "nms": 0.7}
    assert stage_document(parse_stage(Fields(output, "here"))) == output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anchors": None}, "anchors"),
        (
            {"anchors": None, "levels": LEVELS},
            "an earlier faceage made; convert",
        ),
        ({"anchors": {**ANCHORS, "grids": []}}, "expected a list of objects"),
        ({"stage": "two-shot"}, "two-shot"),
        ({"nms": 0}, "nms"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], message: str) -> None:
    """Each is one message that names the field."""
    with pytest.raises(ContractError, match=message):
        parsed(**changes)
