"""The network that has the last word on a face: is it one, where exactly, and its landmarks.

The last stage of a cascade or of a single-shot detector, and between full passes the whole of a
tracker step: a square in, a face out.
"""

import numpy as np

from faceage_edge.candidates import Floats, Frame, moved, patches, snapped, squared
from faceage_edge.errors import ContractError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.model import Model
from faceage_edge.nms import suppress

__all__ = ["Aligner"]

_POINTS = 5
# Below this probability the network is sure that there is no face. The rest is worth a second look:
# a square that fits badly is often refused whose own box fits well.
_DOUBTFUL = 0.05


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
        least = self._stage.logit_threshold
        return [face for face, logit in self._seen(frame, squares) if logit > least]

    def settle_one(self, frame: Frame, square: Floats) -> Face | None:
        """Look at a square of a frame that may not fit the face well.

        Args:
            frame: uint8 (height, width, 3), BGR.
            square: float64 (4,), as for `settle`.

        Returns:
            The face, None where there is none. One that the network half believes in is looked at
            once more, where it says that the face is.
        """
        for _ in range(2):
            ((face, logit),) = self._seen(frame, square[None])
            if logit > self._stage.logit_threshold:
                return face
            if face.score < _DOUBTFUL:
                break
            square = squared(np.array([_corners(face.box)]))[0]
        return None

    def look(self, frame: Frame, squares: Floats) -> list[Face]:
        """Say of squares what face they show, whether or not the network believes in it.

        Args:
            frame: as for `settle`.
            squares: as for `settle`.

        Returns:
            A face for every square.
        """
        return [face for face, _ in self._seen(frame, squares)]

    def _seen(self, frame: Frame, squares: Floats) -> list[tuple[Face, float]]:
        if len(squares) == 0:
            return []
        squares = snapped(squares)
        outputs = self._model.run(patches(frame, squares, self._size))
        offsets = outputs[self._offsets].reshape(-1, 4).astype(np.float64)
        shares = outputs[self._landmarks].reshape(-1, 2, _POINTS).astype(np.float64)
        sides = (squares[:, 2:] - squares[:, :2])[:, None]
        # Shares are measured from pixel edges, landmarks are pixel centres: half a pixel apart.
        points = squares[:, None, :2] + shares.transpose(0, 2, 1) * sides - 0.5
        logits = outputs[self._logit].reshape(-1).astype(np.float64)
        boxes = moved(squares, offsets)
        return [
            (_face(box, own, logit), float(logit))
            for box, own, logit in zip(boxes, points, logits, strict=True)
        ]

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


def _face(box: Floats, points: Floats, logit: float) -> Face:
    x1, y1, x2, y2 = (float(value) for value in box)
    score = float(1 / (1 + np.exp(-logit)))
    return Face(FrameBox(x1, y1, x2 - x1, y2 - y1), FrameLandmarks(points), score)
