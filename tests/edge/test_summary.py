"""The summary: counts, rate, delays, stages."""

import re

import numpy as np
import pytest

from faceage_edge.geometry import FrameBox, FrameLandmarks
from faceage_edge.result import FrameResult
from faceage_edge.summary import Summary
from faceage_edge.tracking import TrackedFace


def result(index: int, latency_ms: float, *tracks: int) -> FrameResult:
    faces = tuple(
        TrackedFace(
            track, FrameBox(0, 0, 9, 9), FrameLandmarks(np.zeros((5, 2))), 0.9, 30, None, None
        )
        for track in tracks
    )
    return FrameResult(index, index / 10, latency_ms, faces)


def test_a_run_is_told_in_three_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames, rate, drops, faces and tracks; delay; stages, each with its median and 95 %."""
    clock = iter(range(0, 10**10, 10_000_000))
    monkeypatch.setattr("faceage_edge.summary.time.perf_counter_ns", lambda: next(clock) + 1)
    run = Summary()
    for index in range(10):
        run.begin()
        run.lap("detect")
        run.lap("age")
        run.add(result(index, 10.0 * (index + 1), 1, 1 + index // 5))
    assert run.frames == 10
    # Four readings of the clock a frame, 10 ms apart: 39 steps from the first to the last.
    assert run.lines(drops=4) == [
        "frames 10, 25.6 fps, drops 4, faces 20 in 2 tracks",
        "capture to result p50 55.0 ms p95 95.5 ms",
        "stages: detect p50 10.0 ms p95 10.0 ms, age p50 10.0 ms p95 10.0 ms",
    ]


def test_a_run_without_frames_is_told_too() -> None:
    """Nothing is divided by nothing."""
    assert Summary().lines(drops=2) == ["frames 0, drops 2"]


def test_memory_does_not_grow_with_the_run() -> None:
    """Of a long run the newest 10,000 frames make the percentiles."""
    run = Summary()
    for index in range(10_500):
        run.begin()
        run.lap("detect")
        run.add(result(index, 1000.0 if index < 500 else 1.0))
    text = run.lines(drops=0)[1]
    assert run.frames == 10_500
    assert re.search(r"p50 1\.0 ms p95 1\.0 ms", text)
