"""What a contract says of a network's place in a detector."""

from typing import Any

import pytest

from faceage_edge.detector_stage import Level, Stage, parse_stage, stage_document
from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

LEVELS = [
    {"stride": 8, "logits": "a", "boxes": "b"},
    {"stride": 16, "logits": "c", "boxes": "d"},
]
GRID = {"stage": "single-shot", "logit_threshold": -1.5, "nms": 0.4, "levels": LEVELS}


def parsed(**changes: Any) -> Stage:
    """The single-shot stage with some fields changed; None takes one out."""
    document = {key: value for key, value in {**GRID, **changes}.items() if value is not None}
    return parse_stage(Fields(document, "here"))


def test_a_single_shot_stage_is_read_and_written() -> None:
    """Its grids by stride and output names; writing undoes reading."""
    stage = parsed()
    assert stage.levels == (Level(8, "a", "b"), Level(16, "c", "d"))
    assert stage_document(stage) == GRID


def test_other_stages_have_no_grids_of_levels() -> None:
    """A cascade's stage is written as it always was."""
    document = {"stage": "proposal", "logit_threshold": 0.4, "nms": 0.7, "stride": 2, "cell": 12}
    assert stage_document(parse_stage(Fields(document, "here"))) == document
    output = {"stage": "output", "logit_threshold": 0.0, "nms": 0.7}
    assert stage_document(parse_stage(Fields(output, "here"))) == output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": None}, "levels"),
        ({"levels": []}, "expected a list of objects"),
        ({"levels": LEVELS[::-1]}, r"strides \[16, 8\], expected"),
        ({"levels": [LEVELS[0], LEVELS[0]]}, r"strides \[8, 8\], expected"),
        ({"levels": [{"stride": 0, "logits": "a", "boxes": "b"}]}, "stride"),
        ({"levels": [{"stride": 8, "logits": "a"}]}, "boxes"),
        ({"stage": "two-shot"}, "two-shot"),
        ({"nms": 0}, "nms"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], message: str) -> None:
    """Each is one message that names the field."""
    with pytest.raises(ContractError, match=message):
        parsed(**changes)
