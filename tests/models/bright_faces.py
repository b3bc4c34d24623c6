"""Made-up faces on disk whose brightness tells their age."""

from pathlib import Path

import cv2
import numpy as np


def write_faces(folder: Path, count: int, *, first: int = 0, age: int | None = None) -> Path:
    """Plain squares, the brighter the older, named as UTKFace names its pictures."""
    folder.mkdir()
    random = np.random.default_rng(first)
    for number in range(first, first + count):
        years = int(random.integers(1, 90)) if age is None else age
        # No two files alike: the calibration of a model goes by digests.
        picture = np.full((60, 60, 3), 40 + 2 * years, np.uint8)
        picture[0, 0] = number % 251, number // 251, 0
        name = f"{years}_{number % 2}_{number % 4}_{20170109000000000 + number}.png"
        cv2.imwrite(str(folder / name), picture)
    return folder
