"""Raw frames on standard input: what another program captures or decodes, with nothing to decode.

For example `ffmpeg -i CLIP -pix_fmt bgr24 -s 640x480 -f rawvideo - | faceage-camera --source -`.
"""

import contextlib
import fcntl
import io
import select
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest, Frame, Picture

__all__ = ["RawFrames"]

# What is read where the size is not said: the size the project states its figures at.
_USUAL = (640, 480, 25.0)
# A pipe holds 64 KiB unless asked: a frame then takes fifteen reads and as many changes of process.
_PIPE_BYTES = 1 << 20
# How long a read may wait before `leave` is asked again: a signal alone does not end it.
_SLICE_MS = 200


class RawFrames:
    """Frames of one size, BGR, a byte a channel, rows from the top, back to back in a stream."""

    drops = 0
    has_cuts = False

    def __init__(
        self,
        stream: BinaryIO,
        request: CameraRequest,
        *,
        leave: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare to read.

        Args:
            stream: of bytes; with a file descriptor it is read past any buffer.
            request: states the frames' size and rate.
            leave: asked while waiting; true ends the stream.

        Raises:
            SourceError: the stream is a terminal.
        """
        if stream.isatty():
            raise SourceError(
                "--source - reads raw BGR frames from a pipe and standard input is a terminal; "
                "pipe them in, e.g. ffmpeg -i FILE -pix_fmt bgr24 -s 640x480 -f rawvideo - | ..."
            )
        # Without the buffer every byte that was taken is known to have been, see `resume`.
        self._stream: Any = getattr(stream, "raw", stream)
        self._leave = leave
        self._poll = _poll(self._stream)
        self._took: Callable[[int], None] = lambda _: None
        self._skip = 0
        self._width = request.width or _USUAL[0]
        self._height = request.height or _USUAL[1]
        self.fps = request.fps or _USUAL[2]
        self._rest = 0
        self._read = 0

    def resume(self, taken: int, took: Callable[[int], None]) -> None:
        """Go on where another process stopped that read the same stream.

        Args:
            taken: the bytes that it took; the rest of a frame that it began is passed over.
            took: told of every byte that is taken from now on, and now and then of none.
        """
        self._skip = -taken % (self._height * self._width * 3)
        self._took = took

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
        if self._skip:
            self._fill(np.empty(self._skip, np.uint8))
        while True:
            # A new array for each frame: a sink may still hold the one before.
            picture = np.empty((self._height, self._width, 3), dtype=np.uint8)
            self._rest = self._fill(picture)
            if self._rest < size:
                break
            index = self._read
            self._read += 1
            yield Frame(picture, index, index / self.fps, time.monotonic_ns())
        if self._read == 0 and not self._skip and not self._leave():
            raise SourceError(
                f"standard input held {self._rest:,} bytes, less than one frame of "
                f"{self._width} x {self._height} ({size:,} bytes); state its size with "
                "--width and --height"
            )

    def _fill(self, picture: Picture) -> int:
        """Read until the picture is full or the stream ends; return the bytes read."""
        view = memoryview(picture.data).cast("B")
        done = 0
        while done < len(view):
            if self._poll is not None and not self._poll.poll(_SLICE_MS):
                if self._leave():
                    break
                # Nothing came, and we are awake: that too is told.
                self._took(0)
                continue
            # A pipe gives what it has; a short read is no end.
            count = self._stream.readinto(view[done:])
            if not count:
                break
            self._took(count)
            done += count
        return done


def _poll(stream: Any) -> Any:
    """What waits for a stream that has a file descriptor, None for others; a pipe is enlarged."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    made = select.poll()
    made.register(descriptor, select.POLLIN)
    return made
