"""A camera as OpenCV reads it: USB cameras and whatever else Linux shows as /dev/videoN."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2

from faceage_edge.errors import SourceError
from faceage_edge.frames import CameraRequest, Frame, as_bgr

__all__ = ["Camera"]

# What a camera is taken to deliver when its driver states nothing usable.
_UNKNOWN_FPS = 30.0


class Camera:
    """A camera by its number, as OpenCV counts them.

    Raises:
        SourceError: there is no such camera, or it stops delivering.
    """

    drops = 0
    # Whoever stands before a camera stays the same person when the light is switched on.
    has_cuts = False

    def __init__(
        self,
        number: int,
        request: CameraRequest,
        *,
        open_capture: Callable[[int], Any] = cv2.VideoCapture,
    ) -> None:
        self._number = number
        self._request = request
        self._capture = open_capture(number)
        if not self._capture.isOpened():
            raise SourceError(
                f"camera {number} cannot be opened; is it plugged in, used by another program, or "
                "not yours to use (group video)? `ls /dev/video*` lists what there is"
            )
        self._ask()
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = stated if 0 < stated <= 1000 else _UNKNOWN_FPS
        # Composed now: once frames flow, the capture belongs to the thread that reads them.
        self._description = self._describe()

    def _ask(self) -> None:
        request = self._request
        # One frame in the driver's queue at most; drivers that cannot do it ignore it.
        wishes = (
            (cv2.CAP_PROP_BUFFERSIZE, 1),
            (cv2.CAP_PROP_FRAME_WIDTH, request.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, request.height),
            (cv2.CAP_PROP_FPS, request.fps),
        )
        for key, value in wishes:
            if value is not None:
                self._capture.set(key, value)

    def _describe(self) -> str:
        given = {
            "width": self._capture.get(cv2.CAP_PROP_FRAME_WIDTH),
            "height": self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT),
            "fps": self.fps,
        }
        text = "camera {} ({width:.0f}x{height:.0f} at {fps:.4g} fps".format(self._number, **given)
        refused = [
            f"{name} {wish:g}"
            for name, wish in vars(self._request).items()
            if wish is not None and wish != given[name]
        ]
        return text + (f"; it does not offer {', '.join(refused)})" if refused else ")")

    def describe(self) -> str:
        """The camera's number, what it delivers, and what of the request it does not offer."""
        return self._description

    def remarks(self) -> list[str]:
        """Nothing beyond `describe`."""
        return []

    def __enter__(self) -> "Camera":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        index, first_ns = 0, 0
        while True:
            # Stamped between the two: grab returns when the frame has arrived, and decoding it
            # is part of the delay that the user sees.
            delivered = self._capture.grab()
            captured_ns = time.monotonic_ns()
            delivered, picture = self._capture.retrieve() if delivered else (False, None)
            if not delivered or picture is None:
                raise SourceError(
                    f"camera {self._number} stopped delivering after {index} frames; "
                    "was it unplugged?"
                )
            first_ns = first_ns or captured_ns
            yield Frame(as_bgr(picture), index, (captured_ns - first_ns) / 1e9, captured_ns)
            index += 1
