"""`faceage-benchmark freshness`: how old a result is when the model is slower than the camera.

A made-up camera delivers at its rate into the loop's own capture, the model is a pause. What
counts is how much longer a result takes than its own model run: the wait of its frame for the run
before, which may not exceed one frame's interval and a half in 99 of 100 cases.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.freshness_figures import freshness_figures
from faceage_benchmarks.kept_results import KeptResults
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_edge.age import Ages
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.capture import Freshest
from faceage_edge.finding import EveryFrame
from faceage_edge.frames import Frame
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.loop import Watcher, watch
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

__all__ = ["run"]

_TEMPLATE = CropTemplate(16, 16, np.zeros((5, 2)))
# Below either the file says that it is quick.
_SECONDS, _RESULTS = 60.0, 1024

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


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Run the loop behind the made-up camera; see loop_commands.py."""
    machine = describe_machine()
    samples = _watched(options)
    note_after(machine)
    settings = bootstrap_settings("seconds of the run", seed=options.seed)
    figures = freshness_figures(samples, settings)
    result = new_result(
        "freshness",
        command=command,
        machine=machine,
        measures="the loop with its capture thread; the camera is made up, the model a pause",
        quick=options.seconds < _SECONDS or figures["n"] < _RESULTS,
        model_ms=options.model_ms,
        **figures,
        seeds={"pictures": 0},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def _watched(options: argparse.Namespace) -> dict[str, Any]:
    """Return the samples of a run, as freshness_figures wants them."""
    camera, sink = _Camera(options.fps, options.seconds), KeptResults()
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
    return {
        "camera_fps": options.fps,
        "frames_delivered": camera.delivered,
        "drops": drops,
        "frame": [result.frame for result in sink.results],
        "at_s": [round(at - sink.at_s[0], 3) for at in sink.at_s],
        "latency_ms": [round(result.latency_ms, 2) for result in sink.results],
        "model_ms": [round(took, 2) for took in detector.took_ms],
    }
