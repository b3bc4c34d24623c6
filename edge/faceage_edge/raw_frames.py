"""Raw frames on standard input: what another program captures or decodes, with nothing to decode.

For example `ffmpeg -i CLIP -pix_fmt bgr24 -s 640x480 -f rawvideo - | faceage-camera --source -`.
"""

import time
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest, Frame, Picture

__all__ = ["RawFrames"]

# What is read where the size is not said: the size the project states its figures at.
_USUAL = (640, 480, 25.0)


class RawFrames:
    """Frames of one size, BGR, a byte a channel, rows from the top, back to back in a stream."""

    drops = 0
    has_cuts = False

    def __init__(self, stream: BinaryIO, request: CameraRequest) -> None:
        """Prepare to read; `request` states the frames' size and rate.

        Raises:
            SourceError: the stream is a terminal.
        """
        if stream.isatty():
            raise SourceError(
                "--source - reads raw BGR frames from a pipe and standard input is a terminal; "
                "pipe them in, e.g. ffmpeg -i FILE -pix_fmt bgr24 -s 640x480 -f rawvideo - | ..."
            )
        self._stream = stream
        self._width = request.width or _USUAL[0]
        self._height = request.height or _USUAL[1]
        self.fps = request.fps or _USUAL[2]
        self._rest = 0
        self._read = 0

    def describe(self) -> str:
        """The size and rate that the bytes are taken to have."""
        return f"raw frames on standard input ({self._width} x {self._height}, {self.fps:g} fps)"

    def remarks(self) -> list[str]:
        """Whether the stream ended within a frame."""
        if not self._rest:
            return []
        return [
            f"the stream ended {self._rest:,} bytes into a frame; "
            f"are its frames {self._width} x {self._height}, 3 bytes a pixel?"
        ]

    def __enter__(self) -> "RawFrames":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        size = self._height * self._width * 3
        while True:
            # A new array for each frame: a sink may still hold the one before.
            picture = np.empty((self._height, self._width, 3), dtype=np.uint8)
            self._rest = _fill(self._stream, picture)
            if self._rest < size:
                break
            index = self._read
            self._read += 1
            yield Frame(picture, index, index / self.fps, time.monotonic_ns())
        if self._read == 0:
            raise SourceError(
                f"standard input held {self._rest:,} bytes, less than one frame of "
                f"{self._width} x {self._height} ({size:,} bytes); state its size with "
                "--width and --height"
            )


def _fill(stream: BinaryIO, picture: Picture) -> int:
    """Read until the picture is full or the stream ends; return the bytes read."""
    view = memoryview(picture.data).cast("B")
    done = 0
    while done < len(view):
        # A pipe gives what it has; a short read is no end.
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            break
        done += count
    return done
