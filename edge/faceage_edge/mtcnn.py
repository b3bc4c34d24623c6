"""MTCNN: three small networks that propose, refine and settle faces.

Zhang, Zhang, Li, Qiao, "Joint face detection and alignment using multitask cascaded convolutional
networks", IEEE Signal Processing Letters 2016. The networks come as three model files; the
pyramid, box arithmetic and suppression here are numpy.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from faceage_edge.aligner import Aligner
from faceage_edge.candidates import Candidates, moved, patches, squared, usual_min_face
from faceage_edge.contract import Contract
from faceage_edge.errors import ContractError
from faceage_edge.geometry import Face
from faceage_edge.model import Model
from faceage_edge.nms import suppress
from faceage_edge.pyramid import Tile, fill_canvases, plan_pyramid

__all__ = ["STAGES", "Mtcnn"]

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Overlap above which boxes of one pyramid level are one face (the mtcnn package's nms_pnet1).
_LEVEL_NMS = 0.5
# A scene with more candidates than this is noise; the strongest are kept so that one frame
# cannot stall the loop.
_MOST_CANDIDATES = 400
STAGES = ("proposal", "refine", "output")


class Mtcnn:
    """The cascade, ready for frames."""

    def __init__(self, proposal: Model, refine: Model, output: Model) -> None:
        """Wire three loaded models.

        Raises:
            ContractError: a model is not the stage it is given as.
        """
        for model, stage in zip((proposal, refine, output), STAGES, strict=True):
            found = (
                model.contract.detector.stage if model.contract.detector else model.contract.task
            )
            if found != stage:
                raise ContractError(f"{model.path} is a {found} model, expected {stage}")
        _check_grid(proposal)
        self._proposal, self._refine = proposal, refine
        self.aligner = Aligner(output)
        digests = "".join(model.digest for model in (proposal, refine, output))
        self.digest = hashlib.sha256(digests.encode()).hexdigest()
        self.scheme = proposal.contract.scheme

    def detect(self, frame: Frame, *, min_face: float | None = None) -> list[Face]:
        """Find the faces of a frame.

        Args:
            frame: uint8 (height, width, 3), BGR.
            min_face: side of the smallest face looked for, in frame pixels; at least 12. None
                takes a twelfth of the frame's shorter side (40 at 640 x 480), at least 20: the
                cost of a frame then hardly depends on its size.

        Returns:
            Faces, the surest first; `score` is the last network's probability, 0 to 1.
        """
        smallest = usual_min_face(frame) if min_face is None else min_face
        candidates = self._propose(frame, smallest)
        candidates = self._refined(frame, candidates)
        return self._settled(frame, candidates)

    def _propose(self, frame: Frame, min_face: float) -> Candidates:
        contract = self._proposal.contract
        stage = contract.detector
        assert stage is not None
        canvas_size = (contract.input.width, contract.input.height)
        tiles = plan_pyramid(
            (frame.shape[1], frame.shape[0]),
            max(min_face, stage.cell),
            canvas_size,
            cell=stage.cell,
            stride=stage.stride,
        )
        if not tiles:
            return Candidates(np.empty((0, 4)), np.empty(0))
        outputs = self._proposal.run(fill_canvases(frame, tiles, canvas_size))
        logits, offsets = _named(outputs, contract)
        levels = [_from_tile(tile, logits, offsets, contract) for tile in tiles]
        levels = [level.pick(suppress(level.boxes, level.logits, _LEVEL_NMS)) for level in levels]
        joined = Candidates(
            np.concatenate([level.boxes for level in levels]),
            np.concatenate([level.logits for level in levels]),
        )
        kept = suppress(joined.boxes, joined.logits, stage.nms)[:_MOST_CANDIDATES]
        return joined.pick(kept)

    def _refined(self, frame: Frame, candidates: Candidates) -> Candidates:
        contract = self._refine.contract
        stage = contract.detector
        assert stage is not None
        squares = squared(candidates.boxes)
        outputs = self._refine.run(
            patches(frame, squares, (contract.input.width, contract.input.height))
        )
        logits, offsets = _named(outputs, contract)
        passed = logits[:, 0] > stage.logit_threshold
        boxes = moved(squares[passed], offsets[passed])
        refined = Candidates(boxes, logits[passed, 0])
        return refined.pick(suppress(refined.boxes, refined.logits, stage.nms))

    def _settled(self, frame: Frame, candidates: Candidates) -> list[Face]:
        faces = self.aligner.settle(frame, squared(candidates.boxes))
        # Of the smaller box, as published: a box within a larger one is the same face.
        return self.aligner.distinct(faces)


def _check_grid(proposal: Model) -> None:
    """Hold the proposal network's contract to its own output: one logit for each window."""
    wanted, stage = proposal.contract.input, proposal.contract.detector
    assert stage is not None
    rows, columns = (
        (side - stage.cell) // stage.stride + 1 for side in (wanted.height, wanted.width)
    )
    size = proposal.contract.output("face-logit").size
    if min(rows, columns) < 1 or rows * columns != size:
        raise ContractError(
            f"{proposal.path}: windows of {stage.cell} pixels every {stage.stride} on a canvas of "
            f"{wanted.width} x {wanted.height} make {columns} x {rows} logits, found {size}; "
            "convert the detector again"
        )


def _named(
    outputs: dict[str, npt.NDArray[np.float32]], contract: Contract
) -> tuple[Floats, Floats]:
    """The face logits and box offsets among a network's outputs, last axis 1 and 4."""
    logits = outputs[contract.output("face-logit").name].astype(np.float64)
    offsets = outputs[contract.output("box-offsets").name].astype(np.float64)
    if contract.detector is not None and contract.detector.stage != "proposal":
        return logits.reshape(-1, 1), offsets.reshape(-1, 4)
    return logits, offsets


def _from_tile(tile: Tile, logits: Floats, offsets: Floats, contract: Contract) -> Candidates:
    """The candidates whose windows lie inside one tile, in frame pixels."""
    stage = contract.detector
    assert stage is not None
    rows = (tile.height - stage.cell) // stage.stride + 1
    columns = (tile.width - stage.cell) // stage.stride + 1
    top, left = tile.y // stage.stride, tile.x // stage.stride
    area = (tile.canvas, slice(top, top + rows), slice(left, left + columns))
    own = logits[area][..., 0]
    row, column = np.nonzero(own > stage.logit_threshold)
    corner = np.stack([column * stage.stride + tile.left, row * stage.stride + tile.top], axis=1)
    windows = np.concatenate([corner, corner + stage.cell], axis=1)
    boxes = windows + offsets[area][row, column] * stage.cell
    scale = np.array([tile.scale_x, tile.scale_y] * 2)
    return Candidates(boxes / scale, own[row, column])
