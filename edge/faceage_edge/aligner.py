"""The network that has the last word on a face: is it one, where exactly, and its landmarks.

The last stage of a cascade or of a single-shot detector, and between full passes the whole of a
tracker step: a square in, a face out.
"""

from dataclasses import dataclass

import numpy as np

from faceage_edge.candidates import Floats, Frame, moved, patches, squared
from faceage_edge.errors import ContractError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.model import Model
from faceage_edge.nms import suppress

__all__ = ["Aligner"]

_POINTS = 5
# A face that a square cuts badly still has a logit above this; below it there is none to move to.
_HOPELESS = -4.0


@dataclass(frozen=True)
class _Seen:
    """What the network says of squares: logits (n,), boxes (n, 4) and points (n, 5, 2) in frame
    pixels, all float64."""

    logits: Floats
    boxes: Floats
    points: Floats

    def face(self, i: int) -> Face:
        x1, y1, x2, y2 = (float(value) for value in self.boxes[i])
        score = float(1 / (1 + np.exp(-self.logits[i])))
        return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(self.points[i]), score)


class Aligner:
    """A loaded `output` network."""

    def __init__(self, model: Model) -> None:
        """Wrap a loaded model.

        Raises:
            ContractError: the model is no `output` stage, or its outputs have other sizes.
        """
        stage = model.contract.detector
        if stage is None or stage.stage != "output":
            found = stage.stage if stage else model.contract.task
            raise ContractError(f"{model.path} is a {found} model, expected output")
        self._model, self._stage = model, stage
        contract = model.contract
        self._size = (contract.input.width, contract.input.height)
        self._logit, self._offsets, self._landmarks = (
            contract.output(head).name for head in ("face-logit", "box-offsets", "landmarks")
        )

    def settle(self, frame: Frame, squares: Floats) -> list[Face]:
        """Look at squares of a frame.

        Args:
            frame: uint8 (height, width, 3), BGR.
            squares: float64 (n, 4), x1, y1, x2, y2 in frame pixels.

        Returns:
            A face for each square that shows one, in their order; `score` is the network's
            probability, 0 to 1.
        """
        if len(squares) == 0:
            return []
        seen = self._look(frame, squares)
        return [
            seen.face(i) for i in np.flatnonzero(seen.logits > self._stage.logit_threshold).tolist()
        ]

    def approach(self, frame: Frame, square: Floats, *, tries: int) -> Face | None:
        """Look at a square that may be beside its face, and again where the network moves it.

        Args:
            frame: uint8 (height, width, 3), BGR.
            square: float64 (4,), x1, y1, x2, y2 in frame pixels.
            tries: looks at most.

        Returns:
            The face, or None where nothing like one is in or near the square.
        """
        for _ in range(tries):
            seen = self._look(frame, square[None])
            if seen.logits[0] > self._stage.logit_threshold:
                return seen.face(0)
            if seen.logits[0] < _HOPELESS:
                return None
            square = squared(seen.boxes)[0]
        return None

    def _look(self, frame: Frame, squares: Floats) -> _Seen:
        outputs = self._model.run(patches(frame, squares, self._size))
        offsets = outputs[self._offsets].reshape(-1, 4).astype(np.float64)
        shares = outputs[self._landmarks].reshape(-1, 2, _POINTS).astype(np.float64)
        sides = (squares[:, 2:] - squares[:, :2])[:, None]
        # Shares are measured from pixel edges, landmarks are pixel centres: half a pixel apart.
        points = squares[:, None, :2] + shares.transpose(0, 2, 1) * sides - 0.5
        logits = outputs[self._logit].reshape(-1).astype(np.float64)
        return _Seen(logits, moved(squares, offsets), points)

    def distinct(self, faces: list[Face]) -> list[Face]:
        """Keep the surest of faces that are one; the surest first.

        The overlap counts against the smaller box, as in the MTCNN publication: a box within a
        larger one is the same face.
        """
        if len(faces) < 2:
            return faces
        boxes = np.array([_corners(face.box) for face in faces])
        scores = np.array([face.score for face in faces])
        kept = suppress(boxes, scores, self._stage.nms, of_smaller=True)
        return [faces[i] for i in kept]


def _corners(box: FrameBox) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.width, box.y + box.height
