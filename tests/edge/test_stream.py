"""Network cameras: a real MJPEG server on loopback that breaks off and comes back."""

import threading
import time
from itertools import islice
from typing import Any

import cv2
import numpy as np
import pytest
from tests.edge.mjpeg_server import MjpegCamera

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest
from faceage_edge.sources import open_source
from faceage_edge.stream import FreshestStream, Stream, is_stream


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://camera/stream", True),
        ("RTSPS://camera", True),
        ("http://camera/video.mjpg", True),
        ("https://camera", True),
        ("file:///etc/passwd", False),
        ("concat:a|b", False),
        ("clip.mp4", False),
        ("rtsp", False),
    ],
)
def test_only_addresses_of_network_cameras_are_streams(text: str, expected: bool) -> None:
    """FFmpeg knows many more protocols, and none of them is meant."""
    assert is_stream(text) is expected


def test_a_stream_that_breaks_off_is_opened_again() -> None:
    """Frames go on counting over three connections, and both ends of the gap are said."""
    said: list[str] = []
    with MjpegCamera(frames=10) as camera:
        stream = Stream(camera.url, say=said.append, back_off_s=(0.01, 0.1))
        with stream:
            frames = list(islice(stream, 25))
        assert camera.clients == 3
    assert [frame.index for frame in frames] == list(range(25))
    times = [frame.time_s for frame in frames]
    assert times == sorted(times)
    assert frames[0].picture.shape == (48, 64, 3)
    # Picture n is n levels bright, also in the third connection.
    assert abs(int(frames[-1].picture.mean()) - frames[-1].index % 10) <= 2
    assert [line.split(" ", 1)[1] for line in said] == [
        "broke off; opening it again",
        "is back",
    ] * 2
    assert stream.remarks() == [f"{camera.url} broke off 2 times"]


def test_a_camera_that_was_away_is_found_where_it_was() -> None:
    """The server itself goes and returns on the same port."""
    with MjpegCamera(frames=3) as camera:
        stream = Stream(camera.url, say=lambda _: None, back_off_s=(0.01, 0.05))
        port = camera.port
        frames = iter(stream)
        next(frames)
    with stream, MjpegCamera(frames=1000, port=port):
        last = list(islice(frames, 10))[-1]
    assert last.index == 10


class FakeCapture:
    """A capture that delivers some frames, or none, and may be closed."""

    def __init__(self, frames: int, *, length: float = 0.0) -> None:
        self.frames = frames
        self.length = length
        self.released = False

    def isOpened(self) -> bool:
        return self.frames > 0

    def get(self, key: int) -> float:
        return self.length if key == cv2.CAP_PROP_FRAME_COUNT else 0.0

    def read(self) -> tuple[bool, Any]:
        self.frames -= 1
        return self.frames >= 0, np.zeros((4, 4, 3), np.uint8)

    def release(self) -> None:
        self.released = True


def test_pauses_grow_and_every_capture_is_let_go() -> None:
    """A hundredth, then twice as long each time, up to the longest."""
    captures = [FakeCapture(1), *(FakeCapture(0) for _ in range(5)), FakeCapture(1)]
    opened: list[tuple[float, FakeCapture]] = []

    def open_capture(_: str) -> FakeCapture:
        opened.append((time.monotonic(), captures[len(opened)]))
        return opened[-1][1]

    stream = Stream(
        "http://a", say=lambda _: None, open_capture=open_capture, back_off_s=(0.02, 0.08)
    )
    signs: list[int] = []
    stream.waiting = lambda: signs.append(len(opened))
    with stream:
        assert len(list(islice(stream, 2))) == 2
    # A sign of life in every pause, and when it is open again.
    assert set(signs) == {1, 2, 3, 4, 5, 6, 7}
    pauses = np.diff([moment for moment, _ in opened])
    # A wait is never shorter than asked; longer it may be on a shared machine.
    assert (pauses >= [0.02, 0.04, 0.08, 0.08, 0.08, 0.08]).all()
    assert all(capture.released for capture in captures)


def test_a_film_on_a_web_server_has_an_end() -> None:
    """It states its length, which a camera does not, and is not begun again."""
    stream = Stream("http://a/film.mp4", open_capture=lambda _: FakeCapture(5, length=5.0))
    with stream:
        assert len(list(stream)) == 5


def test_an_address_where_nothing_is_is_an_error_at_once() -> None:
    """Without the password in the message."""
    with pytest.raises(SourceError, match="cannot be opened; is the address right") as caught:
        open_source("http://me:secret@127.0.0.1:9/none.mjpg", CameraRequest())
    assert "http://me:***@127.0.0.1:9/none.mjpg" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("way", ["signal", "stop"])
def test_waiting_for_a_lost_camera_ends_when_asked(way: str) -> None:
    """By Ctrl-C, or because the loop is done: no thread is left behind in its pause."""
    asked = threading.Event()
    captures = iter([FakeCapture(2), *(FakeCapture(0) for _ in range(9))])
    stream = Stream(
        "http://a",
        leave=asked.is_set,
        say=lambda _: None,
        open_capture=lambda _: next(captures),
        back_off_s=(60.0, 60.0),
    )
    before = threading.active_count()
    with FreshestStream(stream, leave=asked.is_set) as source:
        frames = iter(source)
        next(frames)
        if way == "signal":
            threading.Timer(0.1, asked.set).start()
            assert len(list(frames)) <= 1
    until = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < until
        time.sleep(0.01)
