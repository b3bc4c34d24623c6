"""Every picture reaches the loop in one form."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.frames import as_bgr


@pytest.mark.parametrize(
    ("picture", "expected", "note"),
    [
        (np.full((2, 3), 7, np.uint8), [7, 7, 7], "grey without a channel axis"),
        (np.full((2, 3, 1), 7, np.uint8), [7, 7, 7], "grey with one"),
        (np.full((2, 3, 3), (1, 2, 3), np.uint8), [1, 2, 3], "BGR stays"),
        (np.full((2, 3, 4), (1, 2, 3, 9), np.uint8), [1, 2, 3], "alpha is dropped"),
        (np.full((2, 3), 40_000, np.uint16), [156, 156, 156], "16 bits keep their upper eight"),
        (np.full((2, 3, 3), (256, 512, 65_535), np.uint16), [1, 2, 255], "16-bit BGR"),
    ],
)
def test_any_picture_becomes_bgr_bytes(
    picture: npt.NDArray[np.uint8], expected: list[int], note: str
) -> None:
    """Grey, alpha and 16-bit pictures become uint8 (height, width, 3)."""
    converted = as_bgr(picture)
    assert converted.dtype == np.uint8, note
    assert converted.shape == (2, 3, 3), note
    assert converted[1, 2].tolist() == expected, note
