"""A camera behind OpenCV, played by a fake VideoCapture."""

from typing import Any

import cv2
import numpy as np
import pytest

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest
from faceage_edge.opencv_camera import Camera


class FakeCapture:
    """A VideoCapture that has some frames and takes some requests."""

    def __init__(self, frames: list[Any], *, opened: bool = True, width: float = 640.0) -> None:
        self.frames = frames
        self.opened = opened
        self.released = False
        self.asked: dict[int, float] = {}
        self.state = {
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
            cv2.CAP_PROP_FPS: 0.0,
        }

    def isOpened(self) -> bool:
        return self.opened

    def set(self, key: int, value: float) -> bool:
        self.asked[key] = value
        return True

    def get(self, key: int) -> float:
        return self.state.get(key, 0.0)

    def grab(self) -> bool:
        return bool(self.frames)

    def retrieve(self) -> tuple[bool, Any]:
        frame = self.frames.pop(0)
        return frame is not None, frame

    def release(self) -> None:
        self.released = True


def camera(capture: FakeCapture, request: CameraRequest | None = None) -> Camera:
    return Camera(3, request or CameraRequest(), open_capture=lambda _: capture)


def test_a_camera_yields_frames_until_it_stops() -> None:
    """Frames are numbered and timed from the first; the end of delivery is an error."""
    picture = np.full((4, 6, 3), 5, np.uint8)
    capture = FakeCapture([picture, picture[:, :, 0]])
    with camera(capture) as source:
        frames = iter(source)
        first, second = next(frames), next(frames)
        with pytest.raises(SourceError, match="camera 3 stopped delivering after 2 frames"):
            next(frames)
    assert (first.index, first.time_s) == (0, 0.0)
    assert second.index == 1
    assert second.time_s == pytest.approx((second.captured_ns - first.captured_ns) / 1e9)
    assert second.picture.shape == (4, 6, 3)
    assert capture.released


@pytest.mark.parametrize(("frames", "note"), [([], "grab fails"), ([None], "no picture in it")])
def test_a_camera_without_frames_is_an_error(frames: list[Any], note: str) -> None:
    """A camera that opens and delivers nothing says so."""
    with camera(FakeCapture(frames)) as source, pytest.raises(SourceError, match="after 0 frames"):
        next(iter(source))
    assert note


def test_a_camera_that_cannot_be_opened_is_an_error() -> None:
    """The message says what to look at."""
    with pytest.raises(SourceError, match=r"camera 3 cannot be opened.*group video"):
        camera(FakeCapture([], opened=False))


def test_requests_reach_the_camera_and_refusals_are_told() -> None:
    """What the camera does not give of what was asked stands in its description."""
    capture = FakeCapture([])
    source = camera(capture, CameraRequest(width=1280, height=480, fps=None))
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 480
    assert cv2.CAP_PROP_FPS not in capture.asked
    assert capture.asked[cv2.CAP_PROP_BUFFERSIZE] == 1
    assert source.describe() == "camera 3 (640x480 at 30 fps; it does not offer width 1280)"
    assert source.fps == 30.0
