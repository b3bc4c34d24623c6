"""Ctrl-C and `kill`: finish the frame, close the files, say how it went."""

import signal
import threading
from types import FrameType
from typing import Any

__all__ = ["StopRequest"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While entered, the first SIGINT or SIGTERM only makes `requested()` true.

    A second one raises KeyboardInterrupt in the main thread, for those who cannot wait.
    """

    def __init__(self) -> None:
        self._requested = False
        self._before: dict[int, Any] = {}

    def requested(self) -> bool:
        """Whether a signal came."""
        return self._requested

    def __enter__(self) -> "StopRequest":
        # Python lets the main thread alone set handlers; called from another one, as a library
        # may be, signals keep doing what they did.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
