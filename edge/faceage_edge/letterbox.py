"""Fit a whole frame into a network's input, keeping its aspect; what is left is mid grey."""

import numpy as np
import numpy.typing as npt

from faceage_edge.crop import shrink

__all__ = ["Letterbox"]

_GREY = 128


class Letterbox:
    """The input of one network. Not safe to call from two threads at once."""

    def __init__(self, width: int, height: int) -> None:
        """Make room for pictures of `width` x `height` pixels."""
        self._size = (width, height)
        self._picture = np.full((1, height, width, 3), _GREY, np.uint8)
        self._filled = (0, 0)

    def fill(
        self, frame: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.uint8], tuple[float, float]]:
        """Reduce a frame into the left top corner.

        Args:
            frame: uint8 (height, width, 3), any size.

        Returns:
            The input, uint8 (1, height, width, 3), overwritten by the next call; and its pixels per
            frame pixel across and down.
        """
        height, width = frame.shape[:2]
        scale = min(self._size[0] / width, self._size[1] / height)
        across, down = max(round(width * scale), 1), max(round(height * scale), 1)
        if (across, down) != self._filled:
            # Another shape leaves other pixels free.
            self._picture[:] = _GREY
            self._filled = (across, down)
        shrink(frame, across, down, into=self._picture[0, :down, :across])
        return self._picture, (across / width, down / height)
