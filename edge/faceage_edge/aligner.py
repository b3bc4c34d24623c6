"""The network that has the last word on a face: is it one, where exactly, and its landmarks.

The last stage of a cascade or of a single-shot detector, and between full passes the whole of a
tracker step: a square in, a face out.
"""

import math

import numpy as np

from faceage_edge.candidates import Floats, Frame
from faceage_edge.crop import cut_square
from faceage_edge.errors import ContractError
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, covered, iou
from faceage_edge.model import Model

__all__ = ["Aligner"]

_POINTS = 5
# Below, a probability is nought to all digits that are shown; far below, exp() has no answer.
_LEAST_LOGIT = -60.0
# Below this probability the network is sure that there is no face. Else a square that overlaps the
# one it answers by less than this share of both fitted badly: a second look finds faces that the
# first refused, and of a small face the first look's landmarks make a crop years younger or older.
# Between the two, second looks find and change little.
_DOUBTFUL, _FITTING = 0.05, 0.75


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
        width, height = model.contract.input.width, model.contract.input.height
        if width != height:
            raise ContractError(f"{model.path} sees {width} x {height} pixels, expected a square")
        self._model, self._stage = model, stage
        contract = model.contract
        # Every look's crop, one after the other.
        self._patch = np.empty((height, width, 3), np.uint8)
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

    def settle_one(self, frame: Frame, square: FrameBox) -> Face | None:
        """Look at a square of a frame that may not fit the face well.

        Args:
            frame: uint8 (height, width, 3), BGR.
            square: in frame pixels.

        Returns:
            The face, None where there is none. Where the network believes in one, or half believes,
            and says that it fills another square, it looks there once more.
        """
        looks = [self._look(frame, *_corners(square))]
        face, _ = looks[0]
        own = face.box.squared
        if face.score >= _DOUBTFUL and iou(square, own) < _FITTING:
            looks.insert(0, self._look(frame, *_corners(own)))
        least = self._stage.logit_threshold
        return next((face for face, logit in looks if logit > least), None)

    def look(self, frame: Frame, squares: Floats) -> list[Face]:
        """Say of squares what face they show, whether or not the network believes in it.

        Args:
            frame: as for `settle`.
            squares: as for `settle`.

        Returns:
            A face for every square.
        """
        return [face for face, _ in self._seen(frame, squares)]

    def cut(self, frame: Frame, square: FrameBox) -> Frame:
        """Cut a square out of a frame as a look sees it.

        Args:
            frame: as for `settle`.
            square: in frame pixels.

        Returns:
            uint8 (size, size, 3), BGR; the next cut or look overwrites it.
        """
        cut_square(frame, square.x, square.y, square.width, into=self._patch)
        return self._patch

    @property
    def seen(self) -> Frame:
        """What the last look saw, as `cut` returns it."""
        return self._patch

    def _seen(self, frame: Frame, squares: Floats) -> list[tuple[Face, float]]:
        return [self._look(frame, *square) for square in squares.tolist()]

    def _look(
        self, frame: Frame, x1: float, y1: float, x2: float, _y2: float
    ) -> tuple[Face, float]:
        # Besides the network this is most of what a frame costs: for one square plain numbers are
        # faster than arrays.
        left, top, side = cut_square(frame, x1, y1, x2 - x1, into=self._patch)
        outputs = self._model.numbers(self._patch)
        (logit,) = outputs[self._logit]
        x1, y1, x2, y2 = (side * share for share in outputs[self._offsets])
        box = FrameBox(left + x1, top + y1, side + x2 - x1, side + y2 - y1)
        shares = outputs[self._landmarks]
        # Shares are measured from pixel edges, landmarks are pixel centres: half a pixel apart.
        across = [left - 0.5 + side * share for share in shares[:_POINTS]]
        down = [top - 0.5 + side * share for share in shares[_POINTS:]]
        points = FrameLandmarks(np.array(list(zip(across, down, strict=True))))
        return Face(box, points, _probability(logit)), logit

    def is_one(self, one: FrameBox, other: FrameBox) -> bool:
        """Whether two boxes are of one face.

        The overlap counts against the smaller box, as in the MTCNN publication: a box within a
        larger one is the same face.
        """
        return covered(one, other) > self._stage.nms

    def distinct(self, faces: list[Face]) -> list[Face]:
        """Keep the surest of faces that are one; the surest first."""
        kept: list[Face] = []
        for face in sorted(faces, key=lambda face: -face.score):
            if not any(self.is_one(face.box, other.box) for other in kept):
                kept.append(face)
        return kept


def _corners(box: FrameBox) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(logit, _LEAST_LOGIT)))
