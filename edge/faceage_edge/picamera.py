"""Raspberry Pi cameras through picamera2, from the system: apt install python3-picamera2.

Two of its surprises are dealt with here. Its format RGB888 lies in memory as B, G, R, which is what
we want. And rows may be longer than the picture (the stride): a YUV420 array keeps that padding.
"""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest, Frame, Picture

__all__ = ["PiCamera", "PiCameraName", "parse_pi_camera"]

_PREFIX = "picamera2"
# What is asked for where nothing else is: the size the project states its figures at.
_USUAL = (640, 480)
# libcamera's pipelines deliver this unless asked for another rate.
_USUAL_FPS = 30.0


@dataclass(frozen=True)
class PiCameraName:
    """Which camera, and which of its two streams: `main`, or `lores`, which the ISP scales."""

    number: int
    stream: str


def parse_pi_camera(text: str) -> PiCameraName | None:
    """Read `picamera2`, `picamera2:1` or `picamera2:0:lores`; None for any other source.

    Raises:
        SourceError: it begins so and goes on differently.
    """
    head, *rest = text.split(":")
    if head != _PREFIX:
        return None
    number, stream = (rest + ["", ""])[:2]
    fits = number == "" or (number.isascii() and number.isdigit())
    if len(rest) > 2 or not fits or stream not in ("", "main", "lores"):
        raise SourceError(
            f"{text} names no camera; expected picamera2, picamera2:NUMBER or "
            "picamera2:NUMBER:lores"
        )
    return PiCameraName(int(number or 0), stream or "main")


class PiCamera:
    """A camera of libcamera's, as picamera2 delivers it.

    Raises:
        SourceError: picamera2 is not installed or does not fit the installed numpy, there is no
            such camera, or it is in use.
    """

    drops = 0
    has_cuts = False

    def __init__(self, name: PiCameraName, request: CameraRequest) -> None:
        """Open and configure it; `request` is rounded to what the hardware can."""
        self._name = name
        self._camera = _open(name)
        try:
            self._format, self._size = self._configure(request)
        except Exception as error:  # whatever libcamera refuses; the camera must be let go
            self._camera.close()
            raise SourceError(
                f"picamera2 refuses camera {name.number} as asked: {error}; try another "
                "--width, --height or --fps"
            ) from error
        self.fps = request.fps or _USUAL_FPS
        self._started = False

    def _configure(self, request: CameraRequest) -> tuple[str, tuple[int, int]]:
        size = (request.width or _USUAL[0], request.height or _USUAL[1])
        streams: dict[str, Any] = {"main": {"size": size, "format": "RGB888"}}
        if self._name.stream == "lores":
            # It may not exceed the main stream.
            streams["main"]["size"] = (size[0] * 2, size[1] * 2)
            streams["lores"] = {"size": size, "format": "YUV420"}
        if request.fps is not None:
            microseconds = round(1e6 / request.fps)
            streams["controls"] = {"FrameDurationLimits": (microseconds, microseconds)}
        # Not queued: the frame delivered is one that arrived after it was asked for.
        wanted = self._camera.create_video_configuration(**streams, buffer_count=3, queue=False)
        self._camera.align_configuration(wanted)
        self._camera.configure(wanted)
        given = self._camera.camera_configuration()[self._name.stream]
        return str(given["format"]), (int(given["size"][0]), int(given["size"][1]))

    def describe(self) -> str:
        """The camera's number, its stream, and what it delivers."""
        width, height = self._size
        return (
            f"Pi camera {self._name.number} ({self._name.stream} stream, {width}x{height} "
            f"{self._format}, {self.fps:.4g} fps)"
        )

    def remarks(self) -> list[str]:
        """Nothing beyond `describe`."""
        return []

    def __enter__(self) -> "PiCamera":
        self._camera.start()
        self._started = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._started:
            self._camera.stop()
        self._camera.close()

    def __iter__(self) -> Iterator[Frame]:
        index, first_ns = 0, 0
        while True:
            request = self._camera.capture_request()
            captured_ns = time.monotonic_ns()
            try:
                array = request.make_array(self._name.stream)
            finally:
                # A request that is kept is a buffer less, and after three the camera stands still.
                request.release()
            first_ns = first_ns or captured_ns
            picture = _bgr(array, self._format, self._size)
            yield Frame(picture, index, (captured_ns - first_ns) / 1e9, captured_ns)
            index += 1


def _bgr(array: Any, kind: str, size: tuple[int, int]) -> Picture:
    """Bring a stream's array to uint8 (height, width, 3), BGR, without padding.

    Args:
        array: RGB888 as (height, at least width, 3); YUV420 as (3/2 height, stride).
        kind: the stream's format.
        size: width and height of the picture.

    Raises:
        SourceError: another format.
    """
    width, height = size
    if kind == "YUV420":
        # libcamera's YUV420 has U before V; OpenCV's constant of that name means the other order.
        # Converted with its padding, which shows as columns at the right.
        array = cv2.cvtColor(array, cv2.COLOR_YUV2BGR_I420)
    elif kind != "RGB888":
        raise SourceError(f"picamera2 delivers {kind}, expected RGB888 or YUV420")
    return np.ascontiguousarray(array[:height, :width])


def _open(name: PiCameraName) -> Any:
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
    logging.getLogger("picamera2").setLevel(logging.ERROR)
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise SourceError(
            f"picamera2 cannot be imported ({error}); install it with: sudo apt install "
            "python3-picamera2, and make the environment with: python3 -m venv "
            "--system-site-packages .venv"
        ) from error
    except ValueError as error:  # "numpy.dtype size changed": built against another numpy
        raise SourceError(
            f"picamera2 does not fit the installed numpy ({error}); on Bookworm install faceage "
            "with constraints/device-bookworm.txt, which keeps numpy below 2"
        ) from error
    try:
        return Picamera2(name.number)
    except (IndexError, RuntimeError) as error:
        raise SourceError(
            f"there is no free Pi camera {name.number} ({error}); `rpicam-hello --list-cameras` "
            "lists what there is; is the cable in, and no other program using it?"
        ) from error
