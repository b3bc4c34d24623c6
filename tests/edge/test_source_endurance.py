"""Every kind of source: 300 frames end to end, and twenty times opened and closed without a trace.

A file descriptor or a thread left behind at each reopening ends a kiosk after some weeks.
"""

import io
import operator
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge import fake_picamera2
from tests.edge.mjpeg_server import MjpegCamera
from tests.edge.rtsp_camera import free_port, needs_rtsp_server, rtsp_camera

from faceage_edge import opencv_camera, sources
from faceage_edge.frames import CameraRequest, Source

Picture = npt.NDArray[np.uint8]
FRAMES, REOPENED = 300, 20
SMALL = CameraRequest(32, 24, 100)


class FakeV4L2:
    """What a driver is: a file descriptor that must be closed, and frames."""

    def __init__(self, number: int) -> None:
        self._descriptor = os.open(os.devnull, os.O_RDONLY)

    def isOpened(self) -> bool:
        return True

    def set(self, key: int, value: float) -> bool:
        return True

    def get(self, key: int) -> float:
        return 0.0

    def grab(self) -> bool:
        time.sleep(0.001)
        return True

    def retrieve(self) -> tuple[bool, Picture]:
        return True, np.zeros((24, 32, 3), np.uint8)

    def release(self) -> None:
        os.close(self._descriptor)


class Pipe:
    """Standard input with raw frames."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO(bytes(24 * 32 * 3 * FRAMES))


Opener = Callable[[], Source]


KINDS = [
    *("film", "folder", "stdin", "v4l2", "v4l2 device", "picamera2", "lores", "mjpeg"),
    # Twenty-two times the handshake, and waiting for a key frame.
    pytest.param("rtsp", marks=pytest.mark.slow),
]


@pytest.fixture(params=KINDS)
def opener(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    write_frames: Callable[[Iterable[Picture]], Path],
    write_clip: Callable[[list[Picture]], Path],
) -> Iterator[Opener]:
    """What opens a source of each kind, as the command line does."""
    kind = request.param
    monkeypatch.setitem(sys.modules, "picamera2", fake_picamera2.module())

    def camera(number: int, asked: CameraRequest) -> Any:
        return opencv_camera.Camera(number, asked, open_capture=FakeV4L2)

    monkeypatch.setattr(sources, "Camera", camera)
    picture = np.zeros((24, 32, 3), np.uint8)
    text, asked = (
        {"v4l2": "0", "v4l2 device": "/dev/video0", "picamera2": "picamera2"}.get(kind),
        SMALL,
    )
    if kind == "lores":
        text = "picamera2::lores"
    elif kind == "film":
        text, asked = str(write_clip([picture] * FRAMES)), CameraRequest()
    elif kind == "folder":
        text, asked = str(write_frames([picture] * FRAMES)), CameraRequest()
    elif kind == "mjpeg":
        with MjpegCamera(frames=100_000, pause_s=0.001) as server:
            yield lambda: sources.open_source(server.url, CameraRequest())
        return
    elif kind == "rtsp":
        needs_rtsp_server()
        # As fast as a camera comes: 300 frames then take three seconds.
        with rtsp_camera(free_port(), fps=100) as url:
            yield lambda: sources.open_source(url, CameraRequest())
        return
    elif kind == "stdin":
        text = "-"

    def open_it() -> Source:
        monkeypatch.setattr(sys, "stdin", Pipe())
        assert text is not None
        return sources.open_source(text, asked)

    yield open_it


def traces() -> tuple[int, int]:
    """Open files and threads of this process, those of OpenCV and FFmpeg too."""
    files, threads = (len(list(Path("/proc/self", kind).iterdir())) for kind in ("fd", "task"))
    return files, threads


def settled(expected: tuple[int, int]) -> tuple[int, int]:
    """The traces once the other end has closed too; a server's thread takes a moment."""
    until = time.monotonic() + 10
    while any(map(operator.gt, found := traces(), expected)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def read(source: Source, count: int) -> int:
    with source as frames:
        seen = 0
        for frame in frames:
            assert frame.picture.shape[2] == 3
            # Counted, not numbered: a camera's numbers go on over frames that were dropped.
            seen += 1
            if seen >= count:
                break
    return seen


def test_a_source_runs_and_reopens_without_a_trace(opener: Opener) -> None:
    """File descriptors and threads are as many after twenty reopenings as after one."""
    assert read(opener(), FRAMES) == FRAMES
    read(opener(), 2)
    before = traces()
    for _ in range(REOPENED):
        read(opener(), 2)
    files, threads = settled(before)
    assert files <= before[0] and threads <= before[1]
