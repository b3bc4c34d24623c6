"""What a whole-frame detector says of a frame before anything is added to it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_edge.candidates import Floats

__all__ = ["Proposals"]


@dataclass(frozen=True)
class Proposals:
    """Boxes float64 (n, 4) as x1, y1, x2, y2 and their probabilities float64 (n,).

    `points` are the landmarks of each, float64 (n, k, 2), None where the network has none. Pixels
    of the network's input, or of the frame after `scaled`; edges of pixels counted: the middle of
    the left-most column has x = 0.5.
    """

    boxes: Floats
    scores: Floats
    points: Floats | None = None

    def pick(self, chosen: npt.NDArray[np.intp]) -> "Proposals":
        """Return some of them, chosen by index."""
        points = None if self.points is None else self.points[chosen]
        return Proposals(self.boxes[chosen], self.scores[chosen], points)

    def scaled(self, across: float, down: float) -> "Proposals":
        """Return them with x times `across` and y times `down`."""
        share = np.array([across, down])
        points = None if self.points is None else self.points * share
        return Proposals(self.boxes * np.tile(share, 2), self.scores, points)
