"""The camera loop: frame, faces, crops, ages, tracks, result, sinks."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceage_edge.age import Ages
from faceage_edge.crop import align
from faceage_edge.frames import Frame, Picture
from faceage_edge.fused_age import AgeReading
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.sinks import Sink
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

__all__ = ["AgeEstimator", "Watcher", "watch"]


class AgeEstimator(Protocol):
    """What the loop needs of an age model; `age.AgeModel` is one."""

    @property
    def template(self) -> CropTemplate:
        """How a face is cut for the model."""

    def estimate(self, crops: npt.NDArray[np.uint8]) -> Ages:
        """Estimate the ages of crops, uint8 (n, height, width, 3), BGR; n is at least 1."""


@dataclass(frozen=True)
class Watcher:
    """What turns frames into results. `detect` finds the faces of a BGR frame."""

    detect: Callable[[Picture], Sequence[Face]]
    ages: AgeEstimator
    tracker: Tracker
    cuts: SceneCuts


def watch(
    frames: Iterable[Frame],
    watcher: Watcher,
    sinks: Sequence[Sink],
    summary: Summary,
    *,
    leave: Callable[[], bool] = lambda: False,
) -> None:
    """Say of every frame who is in it and how old they are.

    Args:
        frames: read until they end.
        watcher: the models and the tracks.
        sinks: each takes every result, in the order given.
        summary: is told of every result and of the time of each stage.
        leave: asked before each frame; true ends the loop.

    Raises:
        FaceageError: from the source or a sink.
        BrokenPipeError: from a sink that nobody reads any more.
    """
    for frame in frames:
        if leave():
            return
        summary.begin()
        if watcher.cuts.cut(frame.picture):
            watcher.tracker.forget()
        faces = watcher.detect(frame.picture)
        summary.lap("detect")
        crops = _crops(frame.picture, faces, watcher.ages.template)
        summary.lap("align")
        readings = _readings(watcher.ages, crops)
        summary.lap("age")
        tracked = watcher.tracker.update(faces, readings, frame.time_s)
        latency_ms = (time.monotonic_ns() - frame.captured_ns) / 1e6
        result = FrameResult(frame.index, frame.time_s, latency_ms, tracked)
        summary.add(result)
        for sink in sinks:
            sink.write(result, frame.picture)


def _crops(picture: Picture, faces: Sequence[Face], template: CropTemplate) -> Picture:
    crops = np.empty((len(faces), template.height, template.width, 3), dtype=np.uint8)
    for crop, face in zip(crops, faces, strict=True):
        crop[:] = align(picture, face.landmarks, template)
    return crops


def _readings(model: AgeEstimator, crops: Picture) -> list[AgeReading]:
    if len(crops) == 0:
        return []
    ages = model.estimate(crops)
    return [
        AgeReading(float(years), float(low), float(high))
        for years, low, high in zip(ages.years, ages.low, ages.high, strict=True)
    ]
