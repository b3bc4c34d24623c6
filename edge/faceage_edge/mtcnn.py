"""MTCNN: three small networks that propose, refine and settle faces.

Zhang, Zhang, Li, Qiao, "Joint face detection and alignment using multitask cascaded convolutional
networks", IEEE Signal Processing Letters 2016. The networks come as three model files; the
pyramid, box arithmetic and suppression here are numpy.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_edge.bundles import find
from faceage_edge.contract import Contract
from faceage_edge.crop import cut
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.model import Model, load_model
from faceage_edge.nms import suppress
from faceage_edge.pyramid import Tile, fill_canvases, plan_pyramid

__all__ = ["Mtcnn", "load_detector"]

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Overlap above which boxes of one pyramid level are one face (the mtcnn package's nms_pnet1).
_LEVEL_NMS = 0.5
# A scene with more candidates than this is noise; the strongest are kept so that one frame
# cannot stall the loop.
_MOST_CANDIDATES = 400
# 40 pixels at 640 x 480; below 20 a face has too few pixels to tell an age from.
_SHARE_OF_FRAME = 1 / 12
_SMALLEST_USUAL = 20.0
_STAGES = ("proposal", "refine", "output")


@dataclass(frozen=True)
class _Candidates:
    """Boxes float64 (n, 4) as x1, y1, x2, y2 in frame pixels, logits float64 (n,)."""

    boxes: Floats
    logits: Floats

    def pick(self, chosen: npt.NDArray[np.generic]) -> "_Candidates":
        return _Candidates(self.boxes[chosen], self.logits[chosen])


class Mtcnn:
    """The cascade, ready for frames."""

    def __init__(self, proposal: Model, refine: Model, output: Model) -> None:
        """Wire three loaded models.

        Raises:
            ContractError: a model is not the stage it is given as.
        """
        for model, stage in zip((proposal, refine, output), _STAGES, strict=True):
            found = (
                model.contract.detector.stage if model.contract.detector else model.contract.task
            )
            if found != stage:
                raise ContractError(f"{model.path} is a {found} model, expected {stage}")
        _check_grid(proposal)
        self._proposal, self._refine, self._output = proposal, refine, output
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
        smallest = _usual_min_face(frame) if min_face is None else min_face
        candidates = self._propose(frame, smallest)
        candidates = self._refined(frame, candidates)
        return self._settled(frame, candidates)

    def _propose(self, frame: Frame, min_face: float) -> _Candidates:
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
            return _Candidates(np.empty((0, 4)), np.empty(0))
        outputs = self._proposal.run(fill_canvases(frame, tiles, canvas_size))
        logits, offsets = _named(outputs, contract)
        levels = [_from_tile(tile, logits, offsets, contract) for tile in tiles]
        levels = [level.pick(suppress(level.boxes, level.logits, _LEVEL_NMS)) for level in levels]
        joined = _Candidates(
            np.concatenate([level.boxes for level in levels]),
            np.concatenate([level.logits for level in levels]),
        )
        kept = suppress(joined.boxes, joined.logits, stage.nms)[:_MOST_CANDIDATES]
        return joined.pick(kept)

    def _refined(self, frame: Frame, candidates: _Candidates) -> _Candidates:
        contract = self._refine.contract
        stage = contract.detector
        assert stage is not None
        squares = _squared(candidates.boxes)
        outputs = self._refine.run(_patches(frame, squares, contract))
        logits, offsets = _named(outputs, contract)
        passed = logits[:, 0] > stage.logit_threshold
        boxes = _moved(squares[passed], offsets[passed])
        refined = _Candidates(boxes, logits[passed, 0])
        return refined.pick(suppress(refined.boxes, refined.logits, stage.nms))

    def _settled(self, frame: Frame, candidates: _Candidates) -> list[Face]:
        contract = self._output.contract
        stage = contract.detector
        assert stage is not None
        squares = _squared(candidates.boxes)
        outputs = self._output.run(_patches(frame, squares, contract))
        logits, offsets = _named(outputs, contract)
        points = outputs[contract.output("landmarks").name].astype(np.float64).reshape(-1, 10)
        passed = logits[:, 0] > stage.logit_threshold
        squares, points, logits = squares[passed], points[passed], logits[passed, 0]
        boxes = _moved(squares, offsets[passed])
        # Of the smaller box, as published: a box within a larger one is the same face.
        kept = suppress(boxes, logits, stage.nms, of_smaller=True)
        return [_face(boxes[i], squares[i], points[i], float(logits[i])) for i in kept]


def load_detector(
    folder: Path | str = "mtcnn", *, scheme: str = "int8", threads: int = 1, xnnpack: bool = True
) -> Mtcnn:
    """Load the three networks of one quantization scheme from a folder.

    Args:
        folder: a folder of .tflite files, or a shipped name.
        scheme: as the contracts state it: `int8` or `float32`.
        threads: CPU threads for one invoke.
        xnnpack: use XNNPACK; False runs the built-in kernels.

    Raises:
        ModelFileError: a stage is missing, twice there, or damaged.
    """
    place = find(str(folder))
    stages: dict[str, Model] = {}
    for path in sorted(place.glob("*.tflite")):
        model = load_model(path, threads=threads, xnnpack=xnnpack)
        detector = model.contract.detector
        if detector is None or model.contract.scheme != scheme:
            continue
        if detector.stage in stages:
            raise ModelFileError(
                f"{place} holds two {scheme} {detector.stage} networks, "
                f"{stages[detector.stage].path.name} and {path.name}; remove one"
            )
        stages[detector.stage] = model
    missing = [stage for stage in _STAGES if stage not in stages]
    if missing:
        raise ModelFileError(
            f"{place} lacks the {scheme} face detector's {', '.join(missing)} network; "
            "faceage-convert writes all three, and `--detector mtcnn` names the shipped ones"
        )
    return Mtcnn(*(stages[stage] for stage in _STAGES))


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


def _usual_min_face(frame: Frame) -> float:
    return max(float(min(frame.shape[:2])) * _SHARE_OF_FRAME, _SMALLEST_USUAL)


def _named(
    outputs: dict[str, npt.NDArray[np.float32]], contract: Contract
) -> tuple[Floats, Floats]:
    """The face logits and box offsets among a network's outputs, last axis 1 and 4."""
    logits = outputs[contract.output("face-logit").name].astype(np.float64)
    offsets = outputs[contract.output("box-offsets").name].astype(np.float64)
    if contract.detector is not None and contract.detector.stage != "proposal":
        return logits.reshape(-1, 1), offsets.reshape(-1, 4)
    return logits, offsets


def _from_tile(tile: Tile, logits: Floats, offsets: Floats, contract: Contract) -> _Candidates:
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
    return _Candidates(boxes / scale, own[row, column])


def _squared(boxes: Floats) -> Floats:
    """Grow boxes to squares around their centres."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centers - half, centers + half], axis=1)


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Apply offsets given as shares of the box's sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + offsets * np.concatenate([sides, sides], axis=1))


def _patches(frame: Frame, boxes: Floats, contract: Contract) -> Frame:
    wanted = contract.input
    patches = np.empty((len(boxes), wanted.height, wanted.width, 3), dtype=np.uint8)
    for patch, (x1, y1, x2, y2) in zip(patches, boxes, strict=True):
        patch[:] = cut(frame, FrameBox(x1, y1, x2 - x1, y2 - y1), wanted.width, wanted.height)
    return patches


def _face(box: Floats, square: Floats, points: Floats, logit: float) -> Face:
    """Assemble a face; the ten numbers are five x then five y, as shares of the square."""
    side = square[2:] - square[:2]
    # Shares are measured from pixel edges, landmarks are pixel centres: half a pixel apart.
    landmarks = square[:2] + np.stack([points[:5], points[5:]], axis=1) * side - 0.5
    x1, y1, x2, y2 = (float(value) for value in box)
    score = float(1 / (1 + np.exp(-logit)))
    return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(landmarks), score)
