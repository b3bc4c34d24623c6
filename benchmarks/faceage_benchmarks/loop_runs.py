"""The camera loop, and what people commonly build, on pictures that are there already."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.kept_results import KeptResults
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.crop import align, shrink
from faceage_edge.finding import EveryFrame, SparsePasses
from faceage_edge.frames import Frame
from faceage_edge.geometry import FrameLandmarks
from faceage_edge.loading import Models
from faceage_edge.loop import Finding, Watcher, watch
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

__all__ = ["CommonRun", "LoopRun", "Picture"]

Picture = NDArray[np.uint8]
# What people commonly set: the frame at half size, and the score from which a face counts.
_HALF, _SCORE = (320, 240), 0.7


class LoopRun:
    """The loop; called with pictures it goes on where it stopped."""

    def __init__(self, models: Models, *, every_frame: bool, cuts: bool = False) -> None:
        """Build it.

        Args:
            models: its detector and age model.
            every_frame: search every frame and read every face in it, as without our savings.
            cuts: whether scenes may change at once, as in films.
        """
        policy = AgePolicy(every_s=0.0) if every_frame else AgePolicy()
        finding: Finding = (
            EveryFrame(models.detector) if every_frame else SparsePasses(models.detector)
        )
        self._watcher = Watcher(
            finding=finding,
            ages=models.age,
            tracker=Tracker(),
            choice=AgeChoice(models.age.template, policy),
            cuts=SceneCuts(expected=cuts),
        )
        self._next = 0
        self._sink = KeptResults()

    @property
    def results(self) -> list[FrameResult]:
        """One for each picture so far."""
        return self._sink.results

    def __call__(self, pictures: Sequence[Picture], *, fps: float) -> None:
        """Run over pictures, uint8 (height, width, 3) BGR, taken `fps` a second."""
        watch(self._frames(pictures, fps), self._watcher, [self._sink], Summary())

    def _frames(self, pictures: Sequence[Picture], fps: float) -> Iterator[Frame]:
        for picture in pictures:
            yield Frame(picture, self._next, self._next / fps, time.monotonic_ns())
            self._next += 1


class CommonRun:
    """YuNet on the frame at half size, and the age of every face in every frame.

    `faces` counts them.
    """

    def __init__(self, yunet: Path, models: Models) -> None:
        """Take YuNet's .onnx file and, of the models, the age model."""
        self._detector = cv2.FaceDetectorYN.create(str(yunet), "", _HALF, _SCORE)
        self._age = models.age
        self.faces = 0

    def __call__(self, pictures: Sequence[Picture]) -> None:
        """Run over pictures, uint8 (480, 640, 3) BGR."""
        for picture in pictures:
            _, found = self._detector.detect(shrink(picture, *_HALF))
            for row in [] if found is None else found:
                points = np.asarray(row[4:14], np.float64).reshape(5, 2) * 2 + 0.5
                crop = align(picture, FrameLandmarks(points), self._age.template)
                self._age.estimate(crop[None])
                self.faces += 1
