"""Frames a second over the last few seconds."""

import threading
from collections import deque

__all__ = ["Rate"]


class Rate:
    """Counts moments in a window of `window_s` seconds; for several threads at once."""

    def __init__(self, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._moments: deque[float] = deque()
        self._lock = threading.Lock()

    def add(self, moment_s: float) -> None:
        """Count one; `moment_s` is monotonic time in seconds."""
        with self._lock:
            self._moments.append(moment_s)
            while self._moments[0] < moment_s - self._window_s:
                self._moments.popleft()

    def per_second(self, now_s: float) -> float:
        """Events a second up to `now_s`; 0 once nothing came for a whole window."""
        with self._lock:
            recent = [moment for moment in self._moments if moment >= now_s - self._window_s]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / max(now_s - recent[0], 1e-9)
