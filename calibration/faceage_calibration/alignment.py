"""Where a face's landmarks lie in the pictures of a source, measured once: `alignment.json`.

The pictures of a source were all cut the same way, so one set of five points stands for all of
them; scaled to a picture's size it gives a crop without running a detector. The points are the
medians that the float detector found (`faceage-calibrate alignment` measures them).

What `faceage-calibrate prepare` cuts out of photos needs no measuring: it lies by construction like
a UTKFace chip with a border around it, so that the template has room and a detector surroundings.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from faceage_edge.errors import FacesError
from faceage_edge.geometry import FrameLandmarks, Points

__all__ = ["SourceAlignment", "alignment_of"]

# A tight chip of unknown origin is taken to be cut like the most common one.
_STANDS_IN = {"chip": "utkface", "prepared": "utkface"}
# Around the chip on each side, as a share of its side: enough for the age model's template to stay
# inside the picture for a head tilted by any angle (a test holds it).
_BORDER = {"prepared": 0.25}


@dataclass(frozen=True)
class SourceAlignment:
    """The landmarks of a source's pictures: `points` float64 (5, 2) in pixels of a picture that
    is `width` x `height` pixels."""

    width: int
    height: int
    points: Points

    def scaled_to(self, width: int, height: int) -> FrameLandmarks:
        """Return the landmarks for a picture of another size, in pixels of that picture."""
        scale = np.array([width / self.width, height / self.height])
        return FrameLandmarks((self.points + 0.5) * scale - 0.5)


@cache
def alignment_of(source: str) -> SourceAlignment:
    """Look up how faces lie in the pictures of a source.

    Args:
        source: `FaceSet.alignment`.

    Raises:
        FacesError: no such source was measured.
    """
    text = files(__package__).joinpath("alignment.json").read_text(encoding="utf-8")
    measured = json.loads(text)
    entry = measured.get(_STANDS_IN.get(source, source))
    if entry is None:
        raise FacesError(
            f"no alignment is known for {source!r} pictures, only for {', '.join(measured)}; "
            "crop with --crops detect"
        )
    width, height = entry["width"], entry["height"]
    border = np.rint(np.array([width, height]) * _BORDER.get(source, 0.0)).astype(int)
    points = np.array(entry["landmarks"], dtype=np.float64) + border
    return SourceAlignment(width + 2 * int(border[0]), height + 2 * int(border[1]), points)
