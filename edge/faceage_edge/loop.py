"""The camera loop: frame, faces, crops, ages, tracks, result, sinks."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceage_edge.age import Ages
from faceage_edge.age_choice import AgeChoice, Chosen
from faceage_edge.frames import Frame, Picture
from faceage_edge.fused_age import AgeReading
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.result import FrameResult, Status
from faceage_edge.scene import SceneCuts
from faceage_edge.sinks import Sink
from faceage_edge.summary import Summary
from faceage_edge.tracking import TrackedFace, Tracker, tracked

__all__ = ["AgeEstimator", "Finding", "Watcher", "watch"]


class AgeEstimator(Protocol):
    """What the loop needs of an age model; `age.AgeModel` is one."""

    @property
    def template(self) -> CropTemplate:
        """How a face is cut for the model."""

    def estimate(self, crops: npt.NDArray[np.uint8]) -> Ages:
        """Estimate the ages of crops, uint8 (n, height, width, 3), BGR; n is at least 1."""


class Finding(Protocol):
    """Where the faces of one frame after the other are; `finding.SparsePasses` is one."""

    def find(self, picture: Picture, time_s: float, *, new_scene: bool) -> Sequence[Face]:
        """Find the faces of the next frame, the surest first."""


@dataclass(frozen=True)
class Watcher:
    """What turns frames into results; `genders`: whether they say what the model says of gender."""

    finding: Finding
    ages: AgeEstimator
    tracker: Tracker
    choice: AgeChoice
    cuts: SceneCuts
    genders: bool = False


def watch(
    frames: Iterable[Frame],
    watcher: Watcher,
    sinks: Sequence[Sink],
    summary: Summary,
    *,
    leave: Callable[[], bool] = lambda: False,
    status: Callable[[], Status] = Status,
) -> None:
    """Say of every frame who is in it and how old they are.

    Args:
        frames: read until they end.
        watcher: the models and the tracks.
        sinks: each takes every result, in the order given.
        summary: is told of every result and of the time of each stage.
        leave: asked before each frame; true ends the loop.
        status: how the program fares, for every result.

    Raises:
        FaceageError: from the source or a sink.
        BrokenPipeError: from a sink that nobody reads any more.
    """
    for frame in frames:
        if leave():
            return
        summary.begin()
        tracked = _faces(frame, watcher, summary)
        latency_ms = (time.monotonic_ns() - frame.captured_ns) / 1e6
        result = FrameResult(frame.index, frame.time_s, latency_ms, tracked, status())
        summary.add(result)
        for sink in sinks:
            sink.write(result, frame.picture)


def _faces(frame: Frame, watcher: Watcher, summary: Summary) -> tuple[TrackedFace, ...]:
    """Find, follow and date the faces of a frame."""
    new_scene = watcher.cuts.cut(frame.picture)
    if new_scene:
        watcher.tracker.forget()
    faces = watcher.finding.find(frame.picture, frame.time_s, new_scene=new_scene)
    summary.lap("detect")
    tracks = watcher.tracker.join(faces, frame.time_s)
    chosen = watcher.choice.choose(frame.picture, faces, tracks, frame.time_s)
    summary.lap("align")
    _read(watcher.ages, chosen, genders=watcher.genders)
    summary.lap("age")
    return tuple(tracked(face, track) for face, track in zip(faces, tracks, strict=True))


def _read(model: AgeEstimator, chosen: Sequence[Chosen], *, genders: bool) -> None:
    """Run the age model on the chosen crops and give their tracks what it says."""
    if not chosen:
        return
    ages = model.estimate(np.stack([one.crop for one in chosen]))
    said = ages.genders if genders else ({},) * len(chosen)
    for one, years, low, high, shares in zip(
        chosen, ages.years, ages.low, ages.high, said, strict=True
    ):
        one.track.read(AgeReading(float(years), float(low), float(high), shares), one.quality)
