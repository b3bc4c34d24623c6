"""Frames, and what the loop needs of anything that yields them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["CameraRequest", "Frame", "Picture", "Source", "as_bgr"]

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One picture on its way through the loop.

    `picture` is uint8 (height, width, 3), BGR. `index` counts from 0 in the source, so a camera's
    dropped frames leave gaps. `time_s` is the place in the film, or for a camera the seconds
    since its first frame. `captured_ns` is time.monotonic_ns() when the picture had arrived.
    """

    picture: Picture
    index: int
    time_s: float
    captured_ns: int


@dataclass(frozen=True)
class CameraRequest:
    """What is asked of a camera: pixels, frames a second; None leaves it the camera's choice."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None


class Source(Protocol):
    """A context manager that yields frames once."""

    @property
    def fps(self) -> float:
        """Frames a second as the source states them, above 0."""

    @property
    def drops(self) -> int:
        """Frames that were delivered and never shown to the loop."""

    @property
    def has_cuts(self) -> bool:
        """Whether another scene may follow from one frame to the next, see scene.py."""

    def describe(self) -> str:
        """Name the source in a few words, for messages."""

    def remarks(self) -> list[str]:
        """What the user should know of how it went, once the frames are read."""

    def __enter__(self) -> "Source": ...

    def __exit__(self, *_: object) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...


def as_bgr(picture: npt.NDArray[Any]) -> Picture:
    """Bring whatever a decoder or driver returns into the one form the loop knows.

    Args:
        picture: grey (height, width), grey (height, width, 1), BGR (height, width, 3) or BGRA
            (height, width, 4), uint8 or uint16.

    Returns:
        uint8 (height, width, 3), BGR. Of 16 bits the upper eight are kept; alpha is dropped.
    """
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return np.asarray(picture, dtype=np.uint8)
