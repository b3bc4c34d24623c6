"""What a frame of the camera loop costs, against searching every frame, and that it sees the same.

    python -m faceage_benchmarks.loop_cost --yunet face_detection_yunet.onnx --clips DIR --json OUT

CPU time of one thread: the loop with each shipped detector, and what people commonly build: YuNet
on the frame at half size and the same int8 age model, both on every frame. All take turns, some
frames each, so that what else the machine does weighs on all alike. With --clips, the loop
and the loop that searches and reads every frame see the same films.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.arm.scenes import SCENES, scene_frames
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.crop import align, shrink
from faceage_edge.errors import FaceageError
from faceage_edge.finding import EveryFrame, SparsePasses
from faceage_edge.frames import Frame
from faceage_edge.geometry import FrameLandmarks
from faceage_edge.loading import Models, load_bundle
from faceage_edge.loop import Finding, Watcher, watch
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker, iou

__all__ = ["main"]

_PROGRAM = "faceage_benchmarks.loop_cost"
_DETECTORS = ("face-finder", "mtcnn")
_FPS = 25.0
_CLIP_FPS = 12.5
# Frames of one turn; a turn of the loop has a pass in it.
_TURN = 30
# Below so many frames a track is a passer-by or a mistake.
_LEAST_FRAMES = 10

Picture = NDArray[np.uint8]


class _Kept:
    """A sink that keeps results."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        self.results.append(result)

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


class _Loop:
    """The camera loop on pictures that are there already."""

    def __init__(self, models: Models, *, every_frame: bool, cuts: bool = False) -> None:
        policy = AgePolicy(keep=None) if every_frame else AgePolicy()
        finding: Finding = (
            EveryFrame(models.detector) if every_frame else SparsePasses(models.detector)
        )
        self._watcher = Watcher(
            finding=finding,
            ages=models.age,
            tracker=Tracker(keep=policy.keep),
            choice=AgeChoice(models.age.template, policy),
            cuts=SceneCuts(expected=cuts),
        )
        self._next = 0
        self.sink = _Kept()

    def __call__(self, pictures: Sequence[Picture], fps: float = _FPS) -> None:
        watch(self._frames(pictures, fps), self._watcher, [self.sink], Summary())

    def _frames(self, pictures: Sequence[Picture], fps: float) -> Iterator[Frame]:
        for picture in pictures:
            yield Frame(picture, self._next, self._next / fps, time.monotonic_ns())
            self._next += 1


class _Common:
    """YuNet on the frame at half size, and the age of every face in every frame."""

    def __init__(self, yunet: Path, models: Models) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 240), 0.7)
        self._age = models.age
        self.faces = 0

    def __call__(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            _, found = self._detector.detect(shrink(picture, 320, 240))
            for row in [] if found is None else found:
                points = np.asarray(row[4:14], np.float64).reshape(5, 2) * 2 + 0.5
                crop = align(picture, FrameLandmarks(points), self._age.template)
                self._age.estimate(crop[None])
                self.faces += 1


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="CPU time of the camera loop.")
    parser.add_argument("--yunet", type=Path, required=True, metavar="ONNX", help="YuNet's file")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="films to compare on")
    parser.add_argument("--turns", type=int, default=10, metavar="N", help="of 30 frames each")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    options = parser.parse_args(argv)
    return run(_PROGRAM, lambda: _measure(options, list(argv or sys.argv[1:])))


def _measure(options: argparse.Namespace, words: list[str]) -> int:
    if not options.yunet.is_file():
        raise FaceageError(f"there is no file {options.yunet}; give YuNet's .onnx with --yunet")
    cv2.setNumThreads(1)
    machine = describe_machine()
    models = {name: load_bundle(detector=name) for name in _DETECTORS}
    scenes = {scene: _scene(scene, options, models) for scene in SCENES}
    clips = sorted(options.clips.glob("*.gif")) if options.clips else []
    same = {path.stem: {name: _compare(path, models[name]) for name in models} for path in clips}
    note_after(machine)
    document = {
        "schema": "faceage-loop-cost/1",
        "command": ["python", "-m", _PROGRAM, *words],
        "machine": machine,
        "turns": options.turns,
        "frames_a_turn": _TURN,
        "scenes": scenes,
        "clips": same,
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    for scene, figures in scenes.items():
        print(scene, {key: value for key, value in figures.items() if key != "samples"})
    for clip, found in same.items():
        print(clip, found)
    return 0


def _scene(scene: str, options: argparse.Namespace, models: dict[str, Models]) -> dict[str, Any]:
    runs: dict[str, Callable[[Sequence[Picture]], None]] = {
        name: _Loop(models[name], every_frame=False) for name in _DETECTORS
    }
    runs["yunet-every-frame"] = common = _Common(options.yunet, models["mtcnn"])
    pictures = cycle(list(scene_frames(scene)))
    spent: dict[str, list[float]] = {name: [] for name in runs}
    # The first turn fills caches; the loop's own first ages are in the second as well as later.
    for turn in range(options.turns + 1):
        some = list(islice(pictures, _TURN))
        for name, one in runs.items():
            begun = time.thread_time()
            one(some)
            if turn:
                spent[name].append(round(1000 * (time.thread_time() - begun) / _TURN, 4))
    means = {name: sum(values) / len(values) for name, values in spent.items()}
    return {
        "cpu_ms_a_frame": {name: round(value, 3) for name, value in means.items()},
        "share_of_yunet": {
            name: round(means[name] / means["yunet-every-frame"], 4) for name in _DETECTORS
        },
        "yunet_faces_a_frame": round(common.faces / (_TURN * (options.turns + 1)), 2),
        "samples": spent,
    }


def _compare(path: Path, models: Models) -> dict[str, Any]:
    """The loop and the every-frame loop on a film: faces found by both, and each person's age."""
    pictures = _film(path)
    loops = [_Loop(models, every_frame=every, cuts=True) for every in (True, False)]
    for one in loops:
        one(pictures, _CLIP_FPS)
    every, own = (one.sink.results for one in loops)
    pairs, faces, extra = _matched(every, own)
    people = []
    for track in sorted({face.track for result in every for face in result.faces}):
        ages = [face.age for result in every for face in result.faces if face.track == track]
        mine = [age for their, age in pairs if their == track]
        if len(ages) >= _LEAST_FRAMES:
            found = float(np.median(mine)) if mine else None
            theirs = float(np.median(ages))
            people.append(
                {
                    "frames": len(ages),
                    "found_in": len(mine),
                    "every_frame_median": round(theirs, 2),
                    "median": None if found is None else round(found, 2),
                    "apart": None if found is None else round(abs(found - theirs), 2),
                }
            )
    return {"faces": faces, "found": len(pairs), "extra": extra, "people": people}


def _film(path: Path) -> list[Picture]:
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(np.asarray(read[1], np.uint8))
    film.release()
    if not pictures:
        raise FaceageError(f"no frame of {path} can be read")
    return pictures


def _matched(
    every: Sequence[FrameResult], own: Sequence[FrameResult]
) -> tuple[list[tuple[int, float]], int, int]:
    """Each face of the every-frame loop that the loop has too: its track there, its age here."""
    pairs, faces, extra = [], 0, 0
    for theirs, mine in zip(every, own, strict=True):
        free = list(mine.faces)
        faces += len(theirs.faces)
        for face in theirs.faces:
            best = max(free, key=lambda other: iou(face.box, other.box), default=None)
            if best is not None and iou(face.box, best.box) > 0.3:
                free.remove(best)
                pairs.append((face.track, best.age))
        extra += len(free)
    return pairs, faces, extra


if __name__ == "__main__":
    sys.exit(main())
