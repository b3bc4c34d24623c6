"""A file over and over."""

import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from faceage_edge.frames import Frame
from faceage_edge.repeated import Repeated


class Three:
    """Three frames at ten a second, once; counts how often it is opened and closed."""

    fps = 10.0
    drops = 0
    has_cuts = True
    opened = closed = 0

    def describe(self) -> str:
        return "three frames"

    def remarks(self) -> list[str]:
        return ["cut short"]

    def __enter__(self) -> "Three":
        Three.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        Three.closed += 1

    def __iter__(self) -> Iterator[Frame]:
        for index in range(3):
            yield Frame(np.zeros((2, 2, 3), np.uint8), index, index / 10, time.monotonic_ns())


def test_rounds_are_numbered_and_timed_on() -> None:
    """As one film without an end; each round is opened and closed."""
    source = Repeated(Three(), Three)
    with source as frames:
        seen = list(islice(frames, 7))
    assert [frame.index for frame in seen] == list(range(7))
    assert [frame.time_s for frame in seen] == pytest.approx([i / 10 for i in range(7)])
    assert (Three.opened, Three.closed) == (3, 3) or (Three.opened, Three.closed) == (3, 2)
    assert source.describe() == "three frames, over and over"
    assert (source.fps, source.remarks()) == (10.0, ["cut short"])
