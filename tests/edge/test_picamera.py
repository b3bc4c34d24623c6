"""A Pi's own camera, played by a stand-in for picamera2 with its strides and formats."""

import sys
import types
from itertools import islice

import numpy as np
import pytest
from tests.edge import fake_picamera2

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest
from faceage_edge.picamera import PiCamera, PiCameraName, parse_pi_camera
from faceage_edge.sources import open_source


@pytest.fixture(autouse=True)
def camera(monkeypatch: pytest.MonkeyPatch) -> type[fake_picamera2.Picamera2]:
    """The stand-in, importable as picamera2."""
    monkeypatch.setitem(sys.modules, "picamera2", fake_picamera2.module())
    return fake_picamera2.Picamera2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("picamera2", PiCameraName(0, "main")),
        ("picamera2:1", PiCameraName(1, "main")),
        ("picamera2:0:lores", PiCameraName(0, "lores")),
        ("picamera2::lores", PiCameraName(0, "lores")),
        ("picamera.mp4", None),
        ("0", None),
    ],
)
def test_names(text: str, name: PiCameraName | None) -> None:
    """Number and stream, each with its default."""
    assert parse_pi_camera(text) == name


@pytest.mark.parametrize("text", ["picamera2:x", "picamera2:0:raw", "picamera2:0:main:1"])
def test_a_wrong_name_is_said(text: str) -> None:
    """It is no file of that name either."""
    with pytest.raises(SourceError, match="names no camera"):
        parse_pi_camera(text)


@pytest.mark.parametrize("stream", ["main", "lores"])
@pytest.mark.parametrize("width", [640, 300, 322])
def test_colours_are_right_and_padding_is_gone(stream: str, width: int) -> None:
    """Blue left and red right as BGR, at widths that are whole rows of 64 bytes and not."""
    request = CameraRequest(width, 240, 30)
    with PiCamera(PiCameraName(0, stream), request) as source:
        frame = next(iter(source))
    scene = fake_picamera2.SCENE(width, 240)
    assert frame.picture.shape == scene.shape
    assert frame.picture.flags.c_contiguous
    # YUV of video range, with colour at half resolution: a few steps off, and more at the edge
    # in the middle. A wrong order of colours would be 170 off, padding 225.
    off = np.abs(frame.picture.astype(int) - scene)
    assert off[:, : width // 2 - 2].max() <= 8
    assert off[:, width // 2 + 2 :].max() <= 8


def test_every_request_is_given_back(camera: type[fake_picamera2.Picamera2]) -> None:
    """300 frames through three buffers; indices and times go up."""
    with PiCamera(PiCameraName(0, "main"), CameraRequest()) as source:
        frames = list(islice(source, 300))
        assert camera.opened is not None
        assert camera.opened.held == 0
    assert [frame.index for frame in frames] == list(range(300))
    assert frames[-1].time_s >= frames[0].time_s == 0.0
    assert camera.opened is None


def test_the_rate_reaches_the_sensor(camera: type[fake_picamera2.Picamera2]) -> None:
    """As a frame duration in microseconds, and the queue is off: frames are fresh."""
    with PiCamera(PiCameraName(0, "lores"), CameraRequest(320, 240, 25)) as source:
        assert camera.opened is not None
        asked = camera.opened.asked
    assert asked["controls"] == {"FrameDurationLimits": (40000, 40000)}
    assert asked["queue"] is False
    assert asked["main"]["size"] == (640, 480)
    assert source.describe() == "Pi camera 0 (lores stream, 320x240 YUV420, 25 fps)"


def test_what_the_camera_refuses_is_said(camera: type[fake_picamera2.Picamera2]) -> None:
    """And the camera is let go for others."""
    with pytest.raises(SourceError, match=r"Failed to configure.*another --width"):
        PiCamera(PiCameraName(0, "main"), CameraRequest(9000, 240))
    assert camera.opened is None
    with pytest.raises(SourceError, match="no free Pi camera 1"):
        open_source("picamera2:1", CameraRequest())


ABSENT = [
    (None, "apt install python3-picamera2", "not installed"),
    (ValueError("numpy.dtype size changed"), "device-bookworm.txt", "built for numpy 1"),
]


@pytest.mark.parametrize(("error", "words", "note"), ABSENT)
def test_a_picamera2_that_does_not_import_is_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, words: str, note: str
) -> None:
    """With what to do about it."""

    class Broken(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            assert error is not None
            raise error

    monkeypatch.setitem(sys.modules, "picamera2", None if error is None else Broken("picamera2"))
    with pytest.raises(SourceError, match=words):
        open_source("picamera2", CameraRequest())
