"""The single-shot network: a whole frame in, boxes that are probably faces out.

The frame is reduced to the network's input, keeping its aspect; what is left of the input is mid
grey. Each cell of each grid has a face logit and the distances of the face's edges from the
cell's centre in strides (FCOS: Tian et al., arXiv:1904.01355). Only cells above the threshold are
decoded: of 1,580 at 320 x 240 that is a dozen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_edge.candidates import Candidates, Floats, Frame
from faceage_edge.contract import Contract, Output
from faceage_edge.detector_stage import Level
from faceage_edge.errors import ContractError
from faceage_edge.letterbox import Letterbox
from faceage_edge.model import Model
from faceage_edge.nms import suppress

__all__ = ["SingleShot"]

# More are noise; the strongest are kept so that one frame cannot stall the loop.
_MOST_CANDIDATES = 64


@dataclass(frozen=True)
class _Grid:
    """A level with what decoding it needs; `least` is the threshold in the output's own numbers."""

    level: Level
    columns: int
    least: float
    logits: Output
    boxes: Output


class SingleShot:
    """A loaded `single-shot` network. Not safe to call from two threads at once."""

    def __init__(self, model: Model) -> None:
        """Wrap a loaded model.

        Raises:
            ContractError: the model is no `single-shot` stage, or its levels are not its outputs.
        """
        stage = model.contract.detector
        if stage is None or stage.stage != "single-shot":
            found = stage.stage if stage else model.contract.task
            raise ContractError(f"{model.path} is a {found} model, expected single-shot")
        self._model, self._nms = model, stage.nms
        self._grids = [_grid(model, level, stage.logit_threshold) for level in stage.levels]
        wanted = model.contract.input
        self._input = Letterbox(wanted.width, wanted.height)

    def propose(self, frame: Frame) -> Candidates:
        """Find boxes that are probably faces.

        Args:
            frame: uint8 (height, width, 3), BGR, any size.

        Returns:
            The surest first, overlapping ones suppressed.
        """
        picture, (scale_x, scale_y) = self._input.fill(frame)
        raw = self._model.run_raw(picture)
        found = [_decoded(raw, grid) for grid in self._grids]
        boxes = np.concatenate([boxes for boxes, _ in found])
        logits = np.concatenate([logits for _, logits in found])
        if len(logits) > _MOST_CANDIDATES:
            best = np.argsort(-logits, kind="stable")[:_MOST_CANDIDATES]
            boxes, logits = boxes[best], logits[best]
        kept = suppress(boxes, logits, self._nms)
        return Candidates(boxes[kept] / (scale_x, scale_y, scale_x, scale_y), logits[kept])


def _grid(model: Model, level: Level, threshold: float) -> _Grid:
    contract = model.contract
    logits = _output(contract, level.logits, "face-logit", model)
    boxes = _output(contract, level.boxes, "box-offsets", model)
    columns = -(-contract.input.width // level.stride)
    rows = -(-contract.input.height // level.stride)
    if (logits.size, boxes.size) != (rows * columns, 4 * rows * columns):
        raise ContractError(
            f"{model.path}: a grid of stride {level.stride} on {contract.input.width} x "
            f"{contract.input.height} has {columns} x {rows} cells, found {logits.size} logits and "
            f"{boxes.size} edges; convert the detector again"
        )
    least = threshold / logits.scale + logits.zero_point
    return _Grid(level, columns, least, logits, boxes)


def _output(contract: Contract, name: str, head: str, model: Model) -> Output:
    for output in contract.outputs:
        if output.name == name and output.head == head:
            return output
    raise ContractError(f"{model.path}: a level names {name!r}, which is no {head} output")


def _decoded(raw: dict[str, npt.NDArray[np.generic]], grid: _Grid) -> tuple[Floats, Floats]:
    """Boxes float64 (n, 4) in input pixels and logits (n,) of the cells above the threshold."""
    own = raw[grid.logits.name].reshape(-1)
    cells = np.flatnonzero(np.greater(own, grid.least))
    if cells.size == 0:
        return np.empty((0, 4)), np.empty(0)
    logits = (own[cells].astype(np.float64) - grid.logits.zero_point) * grid.logits.scale
    edges = raw[grid.boxes.name].reshape(-1, 4)[cells].astype(np.float64)
    edges = (edges - grid.boxes.zero_point) * (grid.boxes.scale * grid.level.stride)
    rows, columns = np.divmod(cells, grid.columns)
    centre = (np.stack([columns, rows], axis=1) + 0.5) * grid.level.stride
    return np.concatenate([centre - edges[:, :2], centre + edges[:, 2:]], axis=1), logits
