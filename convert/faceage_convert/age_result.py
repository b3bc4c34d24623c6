"""What converting an age model gave: the file, and all that was learnt on the way."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_calibration.labels import Label
from faceage_calibration.ranges import Ranges
from faceage_convert.compare import Comparison
from faceage_convert.conversion import Converted
from faceage_convert.gate import Verdict
from faceage_convert.ladder import Rung
from faceage_convert.layers import LayerNoise

__all__ = ["AgeResult", "FaceRow"]


@dataclass(frozen=True)
class FaceRow:
    """One face that was measured on: its picture's name and SHA-256, its label, the ages by float
    and converted model in years, and its crop, uint8 (height, width, 3), BGR."""

    name: str
    digest: str
    label: Label
    float_years: float
    converted_years: float
    crop: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class AgeResult:
    """A converted age model; on a user's faces also its ranges, what it cost on others, the gate's
    verdict, the rungs that were tried, the noise of its layers and the faces one by one.

    `first` is the first file of a model of two, of which this is the second. `ranges_seconds` is
    how long recording the ranges took, cropping left out.
    """

    converted: Converted
    ranges: Ranges | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None
    rungs: tuple[Rung, ...] = ()
    noise: tuple[LayerNoise, ...] = ()
    faces: tuple[FaceRow, ...] = ()
    ranges_seconds: float | None = None
    first: "AgeResult | None" = None

    @property
    def files(self) -> tuple[Converted, ...]:
        """The model's files, the one that states the ages first."""
        return (self.converted, *(self.first.files if self.first else ()))
