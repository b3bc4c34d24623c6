"""A detector that a user brought: one network whose boxes and scores are taken as they are.

A face is cut by its five landmarks, so every face needs them. A network that gives them is
believed. To one that gives boxes only, an aligner (MTCNN's last network) lends them: it looks at
each box and says where eyes, nose and mouth are. It does not decide whether there is a face; where
it sees none, or no upright one, the landmarks are put where they usually lie in a box.
"""

import hashlib
from typing import Protocol

import numpy as np

from faceage_edge.aligner import Aligner
from faceage_edge.anchor_shot import AnchorShot
from faceage_edge.box_shot import BoxShot
from faceage_edge.candidates import Floats, Frame, squared, usual_min_face
from faceage_edge.follow import is_plausible
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks
from faceage_edge.model import Model
from faceage_edge.proposals import Proposals

__all__ = ["STAGES", "Brought", "five_points", "usual_points"]

STAGES = ("anchors", "boxes")
_MOST_FACES = 32
# A box found a little too small is still the face that was asked for.
_TOLERANCE = 0.8
# The aligner's own threshold is 0.8; on a blurred face its landmarks are good far below, on a wall
# they are anything.
_SEEN = 0.1
# Where the five landmarks usually lie in a face's box, as shares of its sides: the medians over the
# faces that MTCNN's float networks find in the FairFace crops (`python
# benchmarks/usual_points.py`).
_USUAL = np.array([[0.28, 0.40], [0.75, 0.40], [0.51, 0.60], [0.31, 0.77], [0.72, 0.77]])
# Of the same faces: the mouth's width as a share of the distance between the eyes.
_MOUTH = 0.86


class _Finder(Protocol):
    @property
    def has_landmarks(self) -> bool:
        """Whether its proposals have points."""

    def propose(self, frame: Frame) -> Proposals:
        """Find the faces of a frame, in its pixels."""


class Brought:
    """The detector, ready for frames. Not safe to call from two threads at once."""

    def __init__(self, model: Model, aligner: Model) -> None:
        """Wrap the user's network and the one that lends landmarks where it has none.

        Raises:
            ContractError: a model is not of the stage it is given as, or contradicts itself.
        """
        stage = model.contract.detector
        anchored = stage is not None and stage.stage == "anchors"
        self._finder: _Finder = AnchorShot(model) if anchored else BoxShot(model)
        self.aligner = Aligner(aligner)
        own = model.digest if self._finder.has_landmarks else model.digest + aligner.digest
        self.digest = hashlib.sha256(own.encode()).hexdigest()
        self.scheme = model.contract.scheme

    def detect(self, frame: Frame, *, min_face: float | None = None) -> list[Face]:
        """Find the faces of a frame.

        Args:
            frame: uint8 (height, width, 3), BGR.
            min_face: height of the smallest face wanted, in frame pixels; those found are at least
                four fifths of it. None takes a twelfth of the frame's shorter side, at least 20.
                What the network can see at all, its input's size decides.

        Returns:
            Faces, the surest first; `score` is the network's own, 0 to 1.
        """
        smallest = usual_min_face(frame) if min_face is None else min_face
        found = self._finder.propose(frame)
        tall = found.boxes[:, 3] - found.boxes[:, 1] >= _TOLERANCE * smallest
        found = found.pick(np.flatnonzero(tall)[:_MOST_FACES])
        if found.points is None:
            landmarks = self._lent(frame, found.boxes)
        else:
            landmarks = [five_points(points) for points in found.points]
        return [
            Face(FrameBox.of_corners(*box.tolist()), marks, float(score))
            for box, marks, score in zip(found.boxes, landmarks, found.scores, strict=True)
        ]

    def _lent(self, frame: Frame, boxes: Floats) -> list[FrameLandmarks]:
        seen = self.aligner.look(frame, squared(boxes))
        return [
            face.landmarks if face.score >= _SEEN and is_plausible(face) else usual_points(box)
            for face, box in zip(seen, boxes, strict=True)
        ]


def five_points(points: Floats) -> FrameLandmarks:
    """Bring a network's landmarks to the five that crops are made by.

    Args:
        points: float64 (5, 2) in the order of `FrameLandmarks`, or (6, 2) as BlazeFace gives them:
            eyes, nose tip, middle of the mouth, ears. Edges of pixels counted.

    Returns:
        Pixel centres. BlazeFace's mouth corners are set off from its middle along the line of the
        eyes, at the usual distance: what fits a crop to them sees the middle, twice.
    """
    if len(points) == len(_USUAL):
        return FrameLandmarks(points - 0.5)
    left, right, nose, middle = points[:4]
    half = (right - left) * _MOUTH / 2
    return FrameLandmarks(np.stack([left, right, nose, middle - half, middle + half]) - 0.5)


def usual_points(box: Floats) -> FrameLandmarks:
    """Put the landmarks of an upright face where they usually lie in its box, float64 (4,)."""
    return FrameLandmarks(box[:2] + _USUAL * (box[2:] - box[:2]) - 0.5)
