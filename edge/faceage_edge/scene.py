"""Notice where one scene ends and another begins.

A track joins faces that lie where a face lay a moment ago. After a cut in a film, or between two
portraits of a folder, another person may well look out of the same place, and an age averaged
over both would be nobody's.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.crop import shrink
from faceage_edge.frames import Picture

__all__ = ["SceneCuts", "likeness", "thumbnail"]

# Thumbnails are compared at all shifts of up to this many of their pixels, an eighth of the
# width, so that a camera that pans or shakes does not cut.
_WIDTH, _HEIGHT, _SHIFT = 48, 36, 6
# Measured: of 785 neighbours in the calibration part of UTKFace, portraits all framed alike, the
# most alike two have 0.84; of unrelated photos 0.54. Frames of the three test clips have at
# least 0.98 to the next one and 0.88 to the fifth, a pan of an eighth of the width 0.96.
_SAME_SCENE = 0.86
# A picture that varies less than this, in grey levels, shows noise, which never correlates.
_FLAT = 5.0

_Thumbnail = npt.NDArray[np.float32]


class SceneCuts:
    """Compares each frame with the one before.

    Without `expected` a cut is only a change of the frame's size, which moves every box.
    """

    def __init__(self, *, expected: bool) -> None:
        self._expected = expected
        self._shape: tuple[int, ...] | None = None
        self._before: _Thumbnail | None = None

    def cut(self, picture: Picture) -> bool:
        """Whether a scene begins with this frame; the first frame begins none.

        Args:
            picture: uint8 (height, width, 3), BGR.
        """
        resized = self._shape not in (None, picture.shape)
        self._shape = picture.shape
        if not self._expected:
            return resized
        before, self._before = self._before, thumbnail(picture)
        return resized or (before is not None and likeness(before, self._before) < _SAME_SCENE)


def thumbnail(picture: Picture) -> _Thumbnail:
    """Shrink a BGR frame, uint8 (height, width, 3), to grey float32 (36, 48), 0-255."""
    small = shrink(picture, _WIDTH, _HEIGHT)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), dtype=np.float32)


def likeness(before: _Thumbnail, now: _Thumbnail) -> float:
    """Correlate two thumbnails at the shift at which they are most alike.

    Blind to brightness and contrast: a cloud or an exposure step is no new scene.

    Args:
        before: as `thumbnail` makes it.
        now: likewise.

    Returns:
        At most 1; about 0 for pictures that have nothing in common. Two pictures without
        content are alike, one with and one without are not.
    """
    middle = before[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    flat = middle.std() < _FLAT, now.std() < _FLAT
    if any(flat):
        return 1.0 if all(flat) else 0.0
    return float(cv2.matchTemplate(now, middle, cv2.TM_CCOEFF_NORMED).max())
