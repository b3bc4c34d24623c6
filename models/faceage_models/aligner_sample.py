"""One example for the aligner: a crop, and what it shall say of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.pictures import Picture

__all__ = ["Sample"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """A crop, uint8 (48, 48, 3), BGR, and its answers; for no face these are zeros."""

    crop: Picture
    is_face: bool
    box: Floats
    landmarks: Floats

    @classmethod
    def nothing(cls, crop: Picture) -> "Sample":
        """A crop that shows no face."""
        return cls(crop, False, np.zeros(4, np.float32), np.zeros(10, np.float32))
