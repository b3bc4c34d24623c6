"""Raw frames on standard input."""

import io
import os
import threading
from typing import BinaryIO, cast

import numpy as np
import pytest

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest
from faceage_edge.raw_frames import RawFrames

REQUEST = CameraRequest(width=4, height=2, fps=10)
FRAMES = np.arange(3 * 2 * 4 * 3, dtype=np.uint8).reshape(3, 2, 4, 3)


def test_frames_come_whole_and_in_order() -> None:
    """Each frame is the next bytes, at its time."""
    source = RawFrames(io.BytesIO(FRAMES.tobytes()), REQUEST)
    with source as frames:
        read = list(frames)
    assert [frame.index for frame in read] == [0, 1, 2]
    assert [frame.time_s for frame in read] == pytest.approx([0, 0.1, 0.2])
    assert np.array_equal([frame.picture for frame in read], FRAMES)
    assert source.remarks() == []


def test_a_slow_pipe_gives_whole_frames() -> None:
    """A pipe that delivers a few bytes at a time is read until a frame is full."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            data = FRAMES.tobytes()
            for start in range(0, len(data), 7):
                pipe.write(data[start : start + 7])

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reader, "rb") as pipe:
        read = [frame.picture for frame in RawFrames(pipe, REQUEST)]
    thread.join()
    assert np.array_equal(read, FRAMES)


def test_a_cut_stream_is_remarked() -> None:
    """Whole frames are given; what is left is named with the likely cause."""
    source = RawFrames(io.BytesIO(FRAMES.tobytes()[:-5]), REQUEST)
    assert len(list(source)) == 2
    assert "19 bytes into a frame" in source.remarks()[0]


@pytest.mark.parametrize("data", [b"", b"abc"])
def test_no_frame_is_an_error(data: bytes) -> None:
    """Less than one frame says what was expected."""
    with pytest.raises(SourceError, match=r"4 x 2 \(24 bytes\).*--width"):
        list(RawFrames(io.BytesIO(data), REQUEST))


def test_a_terminal_is_refused() -> None:
    """A terminal would wait for ever; the message shows a pipe."""

    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(SourceError, match="ffmpeg"):
        RawFrames(cast(BinaryIO, Terminal()), REQUEST)


def test_the_usual_size_is_640_by_480() -> None:
    """Where no size is stated it is the one the figures are stated at."""
    source = RawFrames(io.BytesIO(bytes(640 * 480 * 3)), CameraRequest())
    assert [frame.picture.shape for frame in source] == [(480, 640, 3)]


def test_a_stream_goes_on_with_the_next_whole_frame() -> None:
    """What another process took of a frame is passed over with the rest of it, and all is told."""
    data = FRAMES.tobytes()
    taken: list[int] = []
    source = RawFrames(io.BytesIO(data[10:]), REQUEST)
    source.resume(10, taken.append)
    assert np.array_equal([frame.picture for frame in source], FRAMES[1:])
    assert sum(taken) == len(data) - 10


def test_a_request_to_leave_ends_the_wait_for_bytes() -> None:
    """A read would wait for ever: a signal alone does not end it."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe:
        assert list(RawFrames(pipe, REQUEST, leave=lambda: True)) == []
    os.close(writer)
