"""How sharp a crop is: motion and defocus blur away the skin's texture, which carries age."""

import cv2
import numpy as np

from faceage_edge.frames import Picture

__all__ = ["sharpness"]

# Deviation of the Laplacian, in grey levels, at which a crop counts half.
_HALF = 6.0


def sharpness(crop: Picture) -> float:
    """Measure a crop by the deviation of its Laplacian (Pech-Pacheco et al., ICPR 2000).

    Args:
        crop: an aligned face, uint8 (height, width, 3), BGR.

    Returns:
        0 for a crop without any edge, towards 1 for the sharpest.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    found = float(np.asarray(deviation)[0, 0])
    return found / (found + _HALF)
