"""Network cameras: RTSP, and MJPEG or anything else that FFmpeg reads over HTTP.

A camera across a network goes away and comes back: the router restarts, the cable is pulled. So a
stream that breaks off is opened again, with pauses that grow to half a minute. One that cannot be
opened the first time is an error: most likely the address is wrong.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import cv2

from faceage_edge.capture import Freshest
from faceage_edge.errors import SourceError
from faceage_edge.frames import Frame, as_bgr

__all__ = ["FreshestStream", "Stream", "is_stream", "without_password"]

_SCHEMES = ("http", "https", "rtsp", "rtsps")
# What a stream is taken to run at when it does not say.
_UNKNOWN_FPS = 25.0
_MOST_FPS = 480.0
# An open or a read that takes longer has failed, milliseconds.
_TIMEOUT_MS = 4000
# Pauses before opening again, seconds: the first and the longest.
_BACK_OFF_S = (0.5, 30.0)


def is_stream(text: str) -> bool:
    """Whether a source as typed is a network camera's address."""
    scheme, found, _ = text.partition("://")
    return bool(found) and scheme.lower() in _SCHEMES


class Stream:
    """A stream by its URL; iterating opens it again for as long as it takes.

    Raises:
        SourceError: it cannot be opened the first time.
    """

    drops = 0
    has_cuts = False

    def __init__(
        self,
        url: str,
        *,
        leave: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda text: print("faceage-camera:", text, file=sys.stderr),
        open_capture: Callable[[str], Any] | None = None,
        back_off_s: tuple[float, float] = _BACK_OFF_S,
    ) -> None:
        """Open it.

        Args:
            url: rtsp[s]:// or http[s]://.
            leave: asked while waiting to open it again; true ends the iteration.
            say: told when it breaks off and when it is back.
            open_capture: returns a capture like cv2's; it may be closed.
            back_off_s: the first pause and the longest.
        """
        self._url = url
        self._name = without_password(url)
        self._leave = leave
        self._say = say
        self._open = open_capture or _open
        self._back_off_s = back_off_s
        self._abandoned = threading.Event()
        self._breaks = 0
        # Called again and again in the pauses before opening, as a sign of life.
        self.waiting: Callable[[], None] = _nothing
        self._capture = self._open(url)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{self._name} cannot be opened; is the address right (most cameras state it in "
                "their manual), the camera on, and the user and password in it: "
                "rtsp://user:password@host/path?"
            )
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = stated if 0 < stated <= _MOST_FPS else _UNKNOWN_FPS
        # A film behind a web server has an end; a camera has none.
        self._is_film = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)) > 0

    def describe(self) -> str:
        """The address without its password, and the rate."""
        return f"{self._name} ({self.fps:.4g} fps)"

    def remarks(self) -> list[str]:
        """How often it broke off."""
        return [f"{self._name} broke off {self._breaks} times"] if self._breaks else []

    def abandon(self) -> None:
        """End the iteration soon, from another thread."""
        self._abandoned.set()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        index, first_ns = 0, 0
        while not self._abandoned.is_set():
            delivered, picture = self._capture.read()
            captured_ns = time.monotonic_ns()
            if not delivered:
                if self._is_film or not self._reconnect():
                    return
                continue
            first_ns = first_ns or captured_ns
            yield Frame(as_bgr(picture), index, (captured_ns - first_ns) / 1e9, captured_ns)
            index += 1

    def _reconnect(self) -> bool:
        """Open it again; false when the user has had enough first."""
        self._breaks += 1
        self._capture.release()
        self._say(f"{self._name} broke off; opening it again")
        pause_s, longest_s = self._back_off_s
        while not self._wait(pause_s):
            self._capture = self._open(self._url)
            if self._capture.isOpened():
                self._say(f"{self._name} is back")
                # Opening took its time, and the first frame may take as long again.
                self.waiting()
                return True
            self._capture.release()
            pause_s = min(pause_s * 2, longest_s)
        return False

    def _wait(self, seconds: float) -> bool:
        """Wait; true, at once, when the iteration is to end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.waiting()
            # `leave` is set by a signal handler, which cannot safely wake a wait.
            if self._leave() or self._abandoned.wait(min(left, 0.1)):
                return True
        return self._leave()


class FreshestStream(Freshest):
    """The newest frame of a stream, waited for as long as it takes."""

    def __init__(self, stream: Stream, *, leave: Callable[[], bool] = lambda: False) -> None:
        # The stream itself knows when it broke off, and opens itself again.
        super().__init__(stream, leave=leave, patience_s=float("inf"))
        self.stream = stream

    @property
    def patience_s(self) -> float:
        """For ever: a stream that broke off is not given up."""
        return float("inf")

    @patience_s.setter
    def patience_s(self, seconds: float) -> None:
        """Nothing; what a camera on a cable is granted does not bind one across a network."""

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread and close the stream, also from a pause before opening it again."""
        self.stream.abandon()
        super().stop(timeout_s)


def _nothing() -> None:
    return None


def without_password(url: str) -> str:
    """A URL as messages may show it."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        _, _, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{parts.username}:***@{host}").geturl()
    except ValueError:
        return url


def _open(url: str) -> cv2.VideoCapture:
    # Over UDP, FFmpeg's own choice, a picture that lost a packet comes out grey or torn.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
    settings = [value for limit in limits for value in (limit, _TIMEOUT_MS)]
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, settings)
