"""How old a result is when the model is slower than the camera.

    python -m faceage_benchmarks.freshness --model-ms 100 --fps 30 --seconds 20 --json OUT

A made-up camera delivers at its rate into the loop's own capture, the model is a pause. What
counts is how much longer a result takes than its own model run: the wait of its frame for the run
before, which may not exceed one frame's interval and a half in 99 of 100 cases.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.machine import describe_machine, note_after
from faceage_edge.age import Ages
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.atomic import write_text
from faceage_edge.capture import Freshest
from faceage_edge.command import run
from faceage_edge.finding import EveryFrame
from faceage_edge.frames import Frame
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.loop import Watcher, watch
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

__all__ = ["main"]

_PROGRAM = "faceage_benchmarks.freshness"
_TEMPLATE = CropTemplate(16, 16, np.zeros((5, 2)))

Picture = NDArray[np.uint8]


class _Camera:
    """Delivers noise at a rate, each frame stamped when it is there."""

    drops = 0
    has_cuts = False

    def __init__(self, fps: float, seconds: float) -> None:
        self.fps = fps
        self._count = round(seconds * fps)
        self.delivered = 0

    def describe(self) -> str:
        return "a made-up camera"

    def remarks(self) -> list[str]:
        return []

    def __enter__(self) -> "_Camera":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        begun = time.monotonic()
        noise = np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), dtype=np.uint8)
        for index in range(self._count):
            time.sleep(max(begun + index / self.fps - time.monotonic(), 0))
            self.delivered += 1
            yield Frame(noise[index % 8], index, index / self.fps, time.monotonic_ns())


class _SlowDetector:
    """Takes its time, and keeps what it took."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.took_ms: list[float] = []

    def detect(self, frame: Picture, *, min_face: float | None = None) -> list[Face]:  # noqa: ARG002
        begun = time.monotonic()
        time.sleep(self._seconds)
        self.took_ms.append(1000 * (time.monotonic() - begun))
        return []


class _NoAges:
    template = _TEMPLATE

    def estimate(self, crops: Picture) -> Ages:
        raise AssertionError(f"no face was found, yet {len(crops)} crops came")


class _Latencies:
    """A sink that keeps how old each result was, and which frame it is of."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        self.results.append(result)

    def __enter__(self) -> "_Latencies":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="How old results are.")
    parser.add_argument("--model-ms", type=float, default=100.0, metavar="MS", help="model time")
    parser.add_argument("--fps", type=float, default=30.0, metavar="N", help="the camera's rate")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="how long")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    options = parser.parse_args(argv)
    return run(_PROGRAM, lambda: _measure(options, list(argv or sys.argv[1:])))


def _measure(options: argparse.Namespace, words: list[str]) -> int:
    machine = describe_machine()
    camera, sink = _Camera(options.fps, options.seconds), _Latencies()
    detector = _SlowDetector(options.model_ms / 1000)
    watcher = Watcher(
        finding=EveryFrame(detector),  # type: ignore[arg-type]
        ages=_NoAges(),
        tracker=Tracker(),
        choice=AgeChoice(_TEMPLATE, AgePolicy()),
        cuts=SceneCuts(expected=False),
    )
    with Freshest(camera) as source:
        watch(source, watcher, [sink], Summary())
        drops = source.drops
    note_after(machine)
    ages = np.array([result.latency_ms for result in sink.results])
    waited = (ages - np.array(detector.took_ms)) * options.fps / 1000
    document = {
        "schema": "faceage-freshness/1",
        "command": ["python", "-m", _PROGRAM, *words],
        "machine": machine,
        "model_ms": options.model_ms,
        "fps": options.fps,
        "frames_delivered": camera.delivered,
        "results": len(ages),
        "drops": drops,
        "unaccounted": camera.delivered - len(ages) - drops,
        "latency_p50_ms": round(float(np.percentile(ages, 50)), 2),
        "latency_p99_ms": round(float(np.percentile(ages, 99)), 2),
        "waited_p99_intervals": round(float(np.percentile(waited, 99)), 3),
        "waited_most_intervals": round(float(waited.max()), 3),
        "samples": {"latency_ms": [round(value, 2) for value in ages.tolist()]},
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    for key in ("results", "drops", "unaccounted", "latency_p99_ms", "waited_p99_intervals"):
        print(f"{key}: {document[key]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
