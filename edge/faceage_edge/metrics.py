"""What Prometheus scrapes: `faceage-camera --metrics HOST:PORT`, in its text format 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/ describes the format. Counts and
times only: no age and no picture leaves through here.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from faceage_edge import __version__
from faceage_edge.address import Address
from faceage_edge.frames import Picture
from faceage_edge.local_http import LocalServer, Request
from faceage_edge.rate import Rate
from faceage_edge.result import FrameResult

__all__ = ["Metrics"]

_KIND = "text/plain; version=0.0.4; charset=utf-8"
# Seconds. From a Coral's few milliseconds to a board that is too small for its camera.
_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """A sink that counts, and a server that tells: `/metrics`, and `/healthz` for a probe.

    `/healthz` answers 200 while results come and 503 once none came for `stale_s` seconds.
    """

    def __init__(
        self,
        address: Address,
        document: Callable[[FrameResult], dict[str, Any]],
        drops: Callable[[], int],
        *,
        stale_s: float = 10.0,
    ) -> None:
        """Bind the address.

        Args:
            address: where to listen.
            document: a result as the JSON lines have it.
            drops: frames that the source delivered and the loop never saw.
            stale_s: seconds without a result until `/healthz` says so.

        Raises:
            OutputError: the address cannot be had.
        """
        self._server = LocalServer(address, self._answer, "--metrics")
        self._document = document
        self._drops = drops
        self._stale_s = stale_s
        self._lock = threading.Lock()
        self._rate = Rate()
        self._frames = self._faces = self._people = self._degraded = self._restarts = 0
        self._buckets = [0] * len(_BUCKETS)
        self._latency_s = 0.0
        self._last_s = time.monotonic()

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the system chose for port 0."""
        return self._server.address

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Count a result."""
        document = self._document(result)
        seconds = result.latency_ms / 1000
        now = time.monotonic()
        with self._lock:
            self._frames += 1
            self._faces = len(result.faces)
            self._people = max([self._people, *(face.track for face in result.faces)])
            self._degraded = int(bool(document.get("degraded", False)))
            self._restarts = int(document.get("restarts", 0))
            self._latency_s += seconds
            for index, bound in enumerate(_BUCKETS):
                self._buckets[index] += seconds <= bound
            self._last_s = now
            self._rate.add(now)

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        now = time.monotonic()
        with self._lock:
            silent_s = now - self._last_s
            single = (
                ("frames_total", "counter", "Frames with a result.", self._frames),
                ("people_total", "counter", "Tracks begun.", self._people),
                ("faces", "gauge", "Faces in the last frame.", self._faces),
                (
                    "frames_per_second",
                    "gauge",
                    "Over the last seconds.",
                    self._rate.per_second(now),
                ),
                ("last_result_age_seconds", "gauge", "Since the last result.", silent_s),
                ("degraded", "gauge", "1 while on a fallback.", self._degraded),
                ("restarts", "gauge", "Of the work since the start.", self._restarts),
            )
            latency = self._histogram()
        lines = [
            "# HELP faceage_info The program's version.",
            "# TYPE faceage_info gauge",
            f'faceage_info{{version="{__version__}"}} 1',
        ]
        dropped = ("dropped_frames_total", "counter", "Frames never looked at.", self._drops())
        for name, kind, words, value in (*single, dropped):
            lines += [
                f"# HELP faceage_{name} {words}",
                f"# TYPE faceage_{name} {kind}",
                f"faceage_{name} {value}",
            ]
        return "\n".join([*lines, *latency]) + "\n"

    def _histogram(self) -> list[str]:
        name = "faceage_result_latency_seconds"
        counts = [
            f'{name}_bucket{{le="{bound}"}} {count}'
            for bound, count in zip(_BUCKETS, self._buckets, strict=True)
        ]
        return [
            f"# HELP {name} From a frame's arrival to its result.",
            f"# TYPE {name} histogram",
            *counts,
            f'{name}_bucket{{le="+Inf"}} {self._frames}',
            f"{name}_sum {self._latency_s}",
            f"{name}_count {self._frames}",
        ]

    def _answer(self, request: Request) -> None:
        path = request.path.split("?", 1)[0]
        if path == "/metrics":
            request.send(self.text().encode(), _KIND)
        elif path == "/healthz":
            silent_s = time.monotonic() - self._last_s
            fresh = silent_s < self._stale_s
            words = "ok\n" if fresh else f"no result for {silent_s:.0f} s\n"
            request.send(words.encode(), "text/plain", status=200 if fresh else 503)
        else:
            request.send(b"see /metrics and /healthz\n", "text/plain", status=404)

    def __enter__(self) -> "Metrics":
        self._last_s = time.monotonic()
        self._server.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._server.stop()
