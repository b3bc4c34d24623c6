"""A face that rests need not be looked at again: not as long as its square shows the same picture.

Whoever stands before a camera keeps still for most frames, and the network would say what it said.
Cutting the square and comparing it costs a sixth of asking.
"""

from dataclasses import dataclass

import cv2

from faceage_edge.aligner import Aligner
from faceage_edge.candidates import Frame
from faceage_edge.geometry import FrameBox

__all__ = ["Rest", "rests"]

# Share of its width by which the box of one who keeps still swings, in 99 of 100 frames.
_STILL = 0.03
# Mean difference of two pictures, as a share of the deviation within one, up to which they are the
# same. On 151 faces of composed scenes a face that moves by a hundredth of its box changes them by
# 0.07 to 0.13 (tenths 1 and 9), by half of that 0.03 to 0.07; a sensor's noise of 2 grey levels
# 0.01 to 0.08. With more noise, as in the dark, a face is looked at in every frame.
_SAME = 0.04


@dataclass(frozen=True)
class Rest:
    """A square of a frame that was looked at, and what it showed: uint8 (size, size, 3), BGR."""

    square: FrameBox
    picture: Frame

    def lasts(self, aligner: Aligner, frame: Frame) -> bool:
        """Whether the square shows the same picture still.

        Args:
            aligner: the network that looked.
            frame: uint8 (height, width, 3), BGR, of the same size as then.
        """
        now = aligner.cut(frame, self.square)
        apart = cv2.norm(self.picture, now, cv2.NORM_L1) / now.size
        _, deviations = cv2.meanStdDev(self.picture)
        return bool(apart <= _SAME * float(deviations.mean()))


def rests(before: FrameBox, last: FrameBox) -> bool:
    """Whether a face rests, by its boxes in the last two frames."""
    (x, y), (last_x, last_y) = before.center, last.center
    return max(abs(last_x - x), abs(last_y - y)) <= _STILL * last.width
