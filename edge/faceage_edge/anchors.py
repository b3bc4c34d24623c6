"""The part of a contract that says how a single-shot detector's numbers become boxes.

One form for the published families: SSD's priors (Liu et al., arXiv:1512.02325), those of RFB-320
and RetinaFace, the unit anchors of BlazeFace (Bazarevsky et al., arXiv:1907.05047) and the cell
corners of YuNet (Wu et al., 2023). Only numbers differ between them.
"""

from dataclasses import dataclass
from typing import Any

from faceage_edge.errors import ContractError
from faceage_edge.json_fields import Fields

__all__ = ["AnchorGrid", "Anchors", "anchors_document", "parse_anchors"]

SIDES = ("exponential", "linear")
ORDERS = ("xywh", "yxhw")
POINTS = ("none", "five", "six")
_MOST_CELLS = 4096


@dataclass(frozen=True)
class AnchorGrid:
    """One grid of anchors: `columns` x `rows` cells of `stride` (across, down) input pixels.

    `sides` are width and height in input pixels of the anchors of one cell, in their order.
    `scores` names one or two outputs (of two the geometric mean counts), `boxes` the one with the
    boxes, `points` that with the landmarks, empty where there are none. Grids that name the same
    outputs follow one another in them, row by row, the anchors of a cell together.
    """

    columns: int
    rows: int
    stride: tuple[float, float]
    sides: tuple[tuple[float, float], ...]
    scores: tuple[str, ...]
    boxes: str
    points: str = ""

    @property
    def count(self) -> int:
        """How many anchors the grid has."""
        return self.columns * self.rows * len(self.sides)


@dataclass(frozen=True)
class Anchors:
    """How the outputs decode.

    A cell's anchors stand at (column + offset, row + offset) strides. A box's centre lies at
    anchor + value * centre_step * anchor side; its side is anchor side * exp(value * side_step)
    (`exponential`) or anchor side * value * side_step (`linear`). Points move as centres do.

    `order` is that of the four numbers of a box; `score_index` the place of "face" in the last axis
    of the scores; `points` what the landmarks are: none, `five` as in `geometry.FrameLandmarks`, or
    `six` as BlazeFace has them (eyes, nose tip, middle of the mouth, ears).
    """

    centre_step: float
    side_step: float
    sides: str
    order: str
    offset: float
    score_index: int
    points: str
    grids: tuple[AnchorGrid, ...]


def parse_anchors(part: Fields) -> Anchors:
    """Read the `anchors` object of a detector's contract.

    Raises:
        ContractError: naming the first field that is missing or wrong.
    """
    points = part.choice("points", POINTS)
    grids = tuple(_grid(grid, points) for grid in part.objects("grids"))
    return Anchors(
        centre_step=part.number("centre_step", above=0.0),
        side_step=part.number("side_step", above=0.0),
        sides=part.choice("sides", SIDES),
        order=part.choice("order", ORDERS),
        offset=part.number("offset"),
        score_index=part.integer("score_index", 0, 1000),
        points=points,
        grids=grids,
    )


def _grid(part: Fields, points: str) -> AnchorGrid:
    names = tuple(part.texts("scores"))
    if len(names) > 2:
        raise ContractError(f"{part.where}: {len(names)} outputs of scores, expected one or two")
    across, down = part.numbers("stride", 2)
    sides = part.pairs("sides", len(part.items("sides")))
    if min(across, down, *(side for pair in sides for side in pair)) <= 0:
        raise ContractError(f"{part.where}: strides and sides are pixels, expected above 0")
    return AnchorGrid(
        columns=part.integer("columns", 1, _MOST_CELLS),
        rows=part.integer("rows", 1, _MOST_CELLS),
        stride=(across, down),
        sides=sides,
        scores=names,
        boxes=part.text("boxes"),
        points="" if points == "none" else part.text("points"),
    )


def anchors_document(anchors: Anchors) -> dict[str, Any]:
    """Write anchors as JSON values; `parse_anchors` undoes it."""
    return {**vars(anchors), "grids": [_grid_document(grid) for grid in anchors.grids]}


def _grid_document(grid: AnchorGrid) -> dict[str, Any]:
    document = {
        **vars(grid),
        "stride": list(grid.stride),
        "sides": [list(pair) for pair in grid.sides],
        "scores": list(grid.scores),
    }
    return document if grid.points else {k: v for k, v in document.items() if k != "points"}
