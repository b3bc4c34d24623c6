"""Notice whether anything moved since a frame that was looked at closely.

Where nothing changed nobody can have come, so an empty scene need not be searched again; and
where something did, the search need not wait. A sparse grid of pixels is compared, so that this
costs a thousandth of the search.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.frames import Picture

__all__ = ["Stillness"]

# Every eighth pixel across and down: a face of 40 pixels holds 25 of them.
_STEP = 8
# Grey levels by which a sensor's noise hardly ever changes a pixel: six deviations of 4 levels,
# what a small camera has in a dim room.
_NOISE = 24
# Of the samples on the smallest face so many change when one comes: hair, skin and shadow differ
# from most walls over more than a quarter of it.
_SHARE = 0.25
_LEAST = 3

_Samples = npt.NDArray[np.uint8]


class Stillness:
    """Compares frames with the last one that was kept."""

    def __init__(self) -> None:
        self._kept: _Samples | None = None

    def keep(self, picture: Picture) -> None:
        """Compare what follows with this frame, uint8 (height, width, 3), BGR."""
        self._kept = _samples(picture).copy()

    def still(self, picture: Picture, min_face: float) -> bool:
        """Whether no face can have come since the frame that was kept.

        Args:
            picture: uint8 (height, width, 3), BGR.
            min_face: side of the smallest face that matters, in pixels of the frame.

        Returns:
            True where fewer pixels changed than a face would change. The light going on or a
            frame of another size is a change.
        """
        now = _samples(picture)
        if self._kept is None or now.shape != self._kept.shape:
            return False
        changed = int(np.count_nonzero(cv2.absdiff(now, self._kept) > _NOISE))
        return changed < max((min_face / _STEP) ** 2 * _SHARE, _LEAST)


def _samples(picture: Picture) -> _Samples:
    """Green, which a sensor has most pixels of and which carries most of the brightness."""
    return np.ascontiguousarray(picture[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP, 1])
