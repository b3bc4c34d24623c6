"""A line on stderr that says how far a long step is."""

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

_TERMINAL_EVERY_S = 0.2
# A log wants a sign of life, not a line a picture.
_LOG_EVERY_S = 10.0


class Progress:
    """Called with the count done; rewrites one line on a terminal, else prints one at times."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        """Name what is counted and how many there are; the stream is stderr when left out."""
        self._label = label
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        """Show that `done` of the total are done, if it is time to."""
        now = time.monotonic()
        wait = _TERMINAL_EVERY_S if self._terminal else _LOG_EVERY_S
        if now - self._last < wait and done < self._total:
            return
        self._last = now
        start = "\r" if self._terminal else ""
        end = "\n" if done >= self._total or not self._terminal else ""
        text = f"{start}{self._label}: {done:,} of {self._total:,}"
        print(text, end=end, file=self._stream, flush=True)
