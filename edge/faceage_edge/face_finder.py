"""Face-finder: a single-shot network finds faces in the whole frame, an aligner confirms each.

A pass costs the first network once and the second once a face, however many sizes of faces there
may be: no pyramid, and no stage between that looks at hundreds of candidates.
"""

import hashlib
import math

import numpy as np

from faceage_edge.aligner import Aligner
from faceage_edge.anchor_shot import AnchorShot
from faceage_edge.candidates import Floats, Frame, usual_min_face
from faceage_edge.geometry import Face, FrameBox
from faceage_edge.model import Model

__all__ = ["STAGES", "FaceFinder"]

STAGES = ("single-shot", "output")
# Candidates come the surest first: the finder's probability from which one is still looked at, by
# how many before it in a row were none. In a crowd, where the finder is unsure of small faces,
# only the last of these counts. Chosen on scenes and pictures that no table shows.
_WORTH_A_LOOK = (0.0, 0.3, 0.4, math.inf)
_CROWD = 3
_MOST_FACES = 32
# A box found a little too small is still the face that was asked for.
_TOLERANCE = 0.8


class FaceFinder:
    """The detector, ready for frames. Not safe to call from two threads at once."""

    def __init__(self, finder: Model, aligner: Model) -> None:
        """Wire two loaded models.

        Raises:
            ContractError: a model is not the stage it is given as.
        """
        self._finder, self.aligner = AnchorShot(finder, STAGES[0]), Aligner(aligner)
        self.digest = hashlib.sha256((finder.digest + aligner.digest).encode()).hexdigest()
        self.scheme = finder.contract.scheme

    def detect(self, frame: Frame, *, min_face: float | None = None) -> list[Face]:
        """Find the faces of a frame.

        Args:
            frame: uint8 (height, width, 3), BGR.
            min_face: height of the smallest face wanted, in frame pixels; those found are at least
                four fifths of it. None takes a twelfth of the frame's shorter side (40 at
                640 x 480), at least 20. What the network can see starts at about 20 pixels of a
                640 x 480 frame, whatever is asked for.

        Returns:
            Faces, the surest first; `score` is the aligner's probability, 0 to 1.
        """
        smallest = usual_min_face(frame) if min_face is None else min_face
        candidates = self._finder.propose(frame)
        heights = candidates.boxes[:, 3] - candidates.boxes[:, 1]
        wanted = candidates.pick(np.flatnonzero(heights >= _TOLERANCE * smallest))
        return self.aligner.distinct(self._confirmed(frame, wanted.boxes, wanted.scores))

    def _confirmed(self, frame: Frame, boxes: Floats, scores: Floats) -> list[Face]:
        faces: list[Face] = []
        refused = 0
        for corners, score in zip(boxes.tolist(), scores.tolist(), strict=True):
            box = FrameBox.of_corners(*corners)
            if any(self.aligner.is_one(box, face.box) for face in faces):
                continue
            least = _WORTH_A_LOOK[refused]
            if len(faces) == _MOST_FACES or (score < least and _ends(refused, len(faces))):
                break
            found = self.aligner.settle_one(frame, box.squared)
            refused = 0 if found else refused + 1
            if found:
                faces.append(found)
        return faces


def _ends(refused: int, found: int) -> bool:
    return found < _CROWD or refused == len(_WORTH_A_LOOK) - 1
