"""The part of a contract that says what a network does in a face detector."""

from dataclasses import dataclass
from typing import Any

from faceage_edge.anchors import Anchors, anchors_document, parse_anchors
from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

__all__ = ["Stage", "parse_stage", "stage_document"]

_STAGES = ("proposal", "refine", "output", "single-shot", "anchors", "boxes")
_ANCHORED = ("single-shot", "anchors")


@dataclass(frozen=True)
class Stage:
    """What one network does: `proposal`, `refine` or `output` of a cascade, or `single-shot`, which
    an `output` network follows; or it is a whole detector that a user brought: `anchors` are to be
    decoded, or `boxes` come out.

    A candidate passes when the face logit exceeds `logit_threshold`; `nms` is the overlap above
    which the weaker of two boxes goes. `stride` and `cell` (pixels) describe the proposal grid,
    `anchors` how a `single-shot` or an `anchors` network decodes; `face_class` the number of "face"
    among the classes of a `boxes` network.
    """

    stage: str
    logit_threshold: float
    nms: float
    stride: int = 0
    cell: int = 0
    anchors: Anchors | None = None
    face_class: int = 0


def parse_stage(part: Fields) -> Stage:
    """Read the `detector` object of a contract.

    Raises:
        ContractError: naming the first field that is missing or wrong.
    """
    stage = part.choice("stage", _STAGES)
    grid = stage == "proposal"
    if stage in _ANCHORED and part.has("levels") and not part.has("anchors"):
        raise ContractError(
            f"{part.where}: levels without anchors, of a face-finder that an earlier faceage made; "
            "convert the detector again"
        )
    return Stage(
        stage=stage,
        logit_threshold=part.number("logit_threshold"),
        nms=part.number("nms", above=0.0),
        stride=part.integer("stride", 1, 64) if grid else 0,
        cell=part.integer("cell", 1, 512) if grid else 0,
        anchors=parse_anchors(part.object("anchors")) if stage in _ANCHORED else None,
        face_class=part.integer("face_class", 0, 1000) if part.has("face_class") else 0,
    )


def stage_document(stage: Stage) -> dict[str, Any]:
    """Write a stage as JSON values; `parse_stage` undoes it."""
    document: dict[str, Any] = {
        "stage": stage.stage,
        "logit_threshold": stage.logit_threshold,
        "nms": stage.nms,
    }
    if stage.stride:
        document |= {"stride": stage.stride, "cell": stage.cell}
    if stage.anchors is not None:
        document["anchors"] = anchors_document(stage.anchors)
    if stage.stage == "boxes":
        document["face_class"] = stage.face_class
    return document
