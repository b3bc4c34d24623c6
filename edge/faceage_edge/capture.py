"""Live cameras: a thread that always drains the camera, and a slot for its newest frame.

Inference is slower than most cameras. Read in turn, frames would queue up in the driver and each
result would speak of a moment further in the past; so older frames are dropped, and counted.
"""

import threading
import time
from collections.abc import Callable, Iterator

from faceage_edge.errors import SourceError
from faceage_edge.frames import Frame, Source

__all__ = ["Freshest"]

# Pixels that are compared to see whether a picture is the one before: every 16th, both ways.
_STEP = 16
# What a driver may take to close a camera, several times over.
_CLOSING_S = 3.0
# Slices of waiting, beyond which it was this process that was stopped.
_AWAKE = 4
# Grey levels. A covered lens delivers the same black again and again and is not at fault.
_FLAT = 8


class Freshest:
    """The newest frame of a live source, each at most once.

    A thread of its own reads the source from `__enter__` on. `patience_s` is how long the source
    may deliver nothing, or one picture over and over, in seconds, before iterating raises
    SourceError: OpenCV repeats a lost camera's last frame for ever. `leave` is asked while
    waiting and ends the iteration when true. What the source raises, iterating raises, after the
    last frame that came before it.
    """

    # How long one wait for the thread lasts. A signal handler cannot safely wake the wait (it
    # may interrupt the very code that holds the lock), so `leave` is asked between waits.
    _slice_s = 0.1

    def __init__(
        self,
        source: Source,
        *,
        leave: Callable[[], bool] = lambda: False,
        patience_s: float = 5.0,
    ) -> None:
        self._source = source
        self._leave = leave
        self.patience_s = patience_s
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._failure: Exception | None = None
        self._not_closed: Exception | None = None
        self._ended = False
        self._stopping = False
        self._drops = 0
        self._seen: bytes = b""
        self._changed_s = 0.0
        # A daemon: a read that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._drain, name="capture", daemon=True)

    @property
    def fps(self) -> float:
        """The source's own rate."""
        return self._source.fps

    @property
    def drops(self) -> int:
        """Frames that a newer one replaced before they were asked for."""
        return self._drops

    @property
    def has_cuts(self) -> bool:
        """As the source has it."""
        return self._source.has_cuts

    def describe(self) -> str:
        """As the source has it."""
        return self._source.describe()

    def remarks(self) -> list[str]:
        """As the source has it."""
        return self._source.remarks()

    def __enter__(self) -> "Freshest":
        self._source.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread and close the source.

        Args:
            timeout_s: how long to wait for a read in progress. A source that is still reading
                then is left open: closing it under a blocked read crashes or blocks in turn,
                and the process is about to end. So is one whose closing does not return, as a
                camera's stop does that has timed out (picamera2 #1065).
        """
        self._stopping = True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return
        closing = threading.Thread(target=self._close, name="closing", daemon=True)
        closing.start()
        closing.join(_CLOSING_S)
        if self._not_closed is not None:
            raise self._not_closed

    def _close(self) -> None:
        try:
            self._source.__exit__()
        except Exception as error:  # whatever it is, the stopping thread raises it
            self._not_closed = error

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        waited_s, last_s = 0.0, time.monotonic()
        with self._changed:
            while self._newest is None and not self._ended:
                if self._stopping or self._leave():
                    return None
                # A process that was stopped for a while (Ctrl-Z) has not waited for the camera.
                now_s = time.monotonic()
                waited_s += min(now_s - last_s, _AWAKE * self._slice_s)
                last_s = now_s
                if waited_s > self.patience_s:
                    raise SourceError(
                        f"{self.describe()} delivered no frame for {self.patience_s:g} seconds; "
                        "is it still plugged in?"
                    )
                self._changed.wait(self._slice_s)
            frame, self._newest = self._newest, None
            if frame is None and self._failure is not None:
                raise self._failure
            return frame

    def _drain(self) -> None:
        try:
            for frame in self._source:
                if self._stopping:
                    return
                self._check_alive(frame)
                self._put(frame)
        except Exception as error:  # whatever it is, the iterating thread raises it
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _check_alive(self, frame: Frame) -> None:
        """A sensor's noise makes every picture another; one that stays is no picture any more."""
        sample = frame.picture[::_STEP, ::_STEP]
        seen = sample.tobytes()
        now = time.monotonic()
        if seen != self._seen or int(sample.max()) - int(sample.min()) < _FLAT:
            self._seen, self._changed_s = seen, now
        elif now - self._changed_s > self.patience_s:
            raise SourceError(
                f"{self.describe()} delivered the same picture for {self.patience_s:g} seconds; "
                "is it still plugged in?"
            )

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._drops += self._newest is not None
            self._newest = frame
            self._changed.notify_all()
