"""How a run went: frames, rate, delay, drops, and where the time was spent."""

import time
from collections import deque
from collections.abc import Iterable

import numpy as np

from faceage_edge.result import FrameResult

__all__ = ["Summary"]

# Delays and stage times are kept of this many frames, the newest: a camera runs for months.
_KEPT = 10_000
_NS_PER_MS = 1e6


class Summary:
    """Counts results and times the stages of each frame.

    In a frame: `begin()`, then `lap(stage)` after each stage, then `add(result)`.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._faces = 0
        self._tracks = 0
        self._latencies: deque[float] = deque(maxlen=_KEPT)
        self._stages: dict[str, deque[float]] = {}
        self._first_ns = self._last_ns = self._lap_ns = 0

    @property
    def frames(self) -> int:
        """Results so far."""
        return self._frames

    def begin(self) -> None:
        """Start timing a frame."""
        self._lap_ns = time.perf_counter_ns()
        self._first_ns = self._first_ns or self._lap_ns

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to a stage."""
        now = time.perf_counter_ns()
        times = self._stages.setdefault(stage, deque(maxlen=_KEPT))
        times.append((now - self._lap_ns) / _NS_PER_MS)
        self._lap_ns = now

    def add(self, result: FrameResult) -> None:
        """Count a result."""
        self._frames += 1
        self._faces += len(result.faces)
        self._tracks = max([self._tracks, *(face.track for face in result.faces)])
        self._latencies.append(result.latency_ms)
        self._last_ns = time.perf_counter_ns()

    def lines(self, drops: int) -> list[str]:
        """The summary in words, a line each.

        Args:
            drops: frames that the source delivered and the loop never saw.
        """
        if not self._frames:
            return [f"frames 0, drops {drops}"]
        seconds = (self._last_ns - self._first_ns) / 1e9
        rate = f"{self._frames / seconds:.1f} fps" if seconds > 0 else "fps unknown"
        stages = ", ".join(f"{name} {_ms(times)}" for name, times in self._stages.items())
        return [
            f"frames {self._frames}, {rate}, drops {drops}, "
            f"faces {self._faces} in {self._tracks} tracks",
            f"capture to result {_ms(self._latencies)}",
            f"stages: {stages}",
        ]


def _ms(times: Iterable[float]) -> str:
    p50, p95 = np.percentile(np.fromiter(times, dtype=np.float64), [50, 95])
    return f"p50 {p50:.1f} ms p95 {p95:.1f} ms"
