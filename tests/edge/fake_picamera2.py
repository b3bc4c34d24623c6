"""A stand-in for picamera2 that lays out pictures in memory as it does.

RGB888 is B, G, R in memory and comes without padding; YUV420 keeps its rows' padding, which here
is bright green so that nobody takes it for picture. Widths are aligned as the hardware wants.
"""

import types
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["SCENE", "module"]

Picture = npt.NDArray[np.uint8]


def SCENE(width: int, height: int) -> Picture:
    """What the fake camera sees, BGR: left half blue, right half red, a white bar below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = (200, 30, 30)
    picture[:, width // 2 :] = (30, 30, 200)
    picture[-height // 4 :] = 235
    return picture


def _yuv420(picture: Picture, stride: int) -> Picture:
    """I420 with rows of `stride` bytes in Y and half as many in U and V."""
    height, width = picture.shape[:2]
    padded = np.full((height, stride, 3), (0, 255, 0), np.uint8)
    padded[:, :width] = picture
    return np.asarray(cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420))


class Request:
    """A completed request; counted until it is released."""

    def __init__(self, camera: "Picamera2") -> None:
        self._camera = camera
        camera.held += 1

    def make_array(self, name: str) -> Picture:
        stream = self._camera.configuration[name]
        picture = SCENE(*stream["size"])
        if stream["format"] == "RGB888":
            return picture
        return _yuv420(picture, stream["stride"])

    def release(self) -> None:
        self._camera.held -= 1


class Picamera2:
    """What faceage calls of Picamera2. One camera; it can be opened once at a time."""

    opened: "Picamera2 | None" = None
    ever = 0

    def __init__(self, number: int = 0) -> None:
        if number > 0:
            raise IndexError("list index out of range")
        if Picamera2.opened is not None:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        Picamera2.opened = self
        Picamera2.ever += 1
        self.held = 0
        self.running = False
        self.asked: dict[str, Any] = {}
        self.configuration: dict[str, Any] = {}

    def create_video_configuration(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return asked

    def align_configuration(self, wanted: dict[str, Any]) -> None:
        for name in ("main", "lores"):
            if name in wanted:
                width, height = wanted[name]["size"]
                # As align_configuration does for the Pi's ISP: even sizes.
                wanted[name]["size"] = (width // 2 * 2, height // 2 * 2)

    def configure(self, wanted: dict[str, Any]) -> None:
        if wanted["main"]["size"][0] > 4000:
            raise RuntimeError("Failed to configure camera")
        if "lores" in wanted and wanted["lores"]["size"] > wanted["main"]["size"]:
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        for name in ("main", "lores"):
            if name in wanted:
                width = wanted[name]["size"][0]
                pixel = 3 if wanted[name]["format"] == "RGB888" else 1
                # Rows of 64 bytes, as the Pi's ISP writes them.
                stride = -(-width * pixel // 64) * 64
                self.configuration[name] = {**wanted[name], "stride": stride}

    def camera_configuration(self) -> dict[str, Any]:
        return self.configuration

    def start(self) -> None:
        self.running = True

    def capture_request(self) -> Request:
        assert self.running
        assert self.held < 3, "all three buffers are held: the camera stands still"
        return Request(self)

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        assert not self.running
        Picamera2.opened = None


def module() -> types.ModuleType:
    """The module `picamera2`."""
    made = types.ModuleType("picamera2")
    made.Picamera2 = Picamera2  # type: ignore[attr-defined]
    Picamera2.opened = None
    return made
