"""A sink of the camera loop that keeps its results, and when each came."""

import time

import numpy as np
from numpy.typing import NDArray

from faceage_edge.result import FrameResult

__all__ = ["KeptResults"]


class KeptResults:
    """Results in the order they came, and the seconds of the monotonic clock when they did."""

    def __init__(self) -> None:
        """Begin with none."""
        self.results: list[FrameResult] = []
        self.at_s: list[float] = []

    def write(self, result: FrameResult, picture: NDArray[np.uint8]) -> None:  # noqa: ARG002
        """Keep a result; the frame itself, uint8 (height, width, 3) BGR, is not kept."""
        self.at_s.append(time.monotonic())
        self.results.append(result)

    def __enter__(self) -> "KeptResults":
        """Open nothing."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Close nothing."""
