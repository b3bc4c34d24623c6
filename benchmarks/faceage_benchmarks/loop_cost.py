"""What a frame of the camera loop costs, against searching every frame, and that it sees the same.

    python -m faceage_benchmarks.loop_cost --yunet face_detection_yunet.onnx --clips DIR --json OUT

CPU time of one thread: the loop with each shipped detector, and what people commonly build: YuNet
on the frame at half size and the same int8 age model, both on every frame. All take turns, some
frames each, so that what else the machine does weighs on all alike. With --clips, the loop
and the loop that searches and reads every frame see the same films; see `loop_agreement`.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.arm.scenes import SCENES, scene_frames
from faceage_benchmarks.loop_agreement import Loop, compare, summary
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.crop import align, shrink
from faceage_edge.errors import FaceageError
from faceage_edge.geometry import FrameLandmarks
from faceage_edge.loading import Models, load_bundle

__all__ = ["main"]

_PROGRAM = "faceage_benchmarks.loop_cost"
_DETECTORS = ("face-finder", "mtcnn")
# Frames of one turn; a turn of the loop has a pass in it.
_TURN = 30

Picture = NDArray[np.uint8]


class _Common:
    """YuNet on the frame at half size, and the age of every face in every frame."""

    def __init__(self, yunet: Path, models: Models) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 240), 0.7)
        self._age = models.age
        self.ages = 0

    def __call__(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            _, found = self._detector.detect(shrink(picture, 320, 240))
            for row in [] if found is None else found:
                points = np.asarray(row[4:14], np.float64).reshape(5, 2) * 2 + 0.5
                crop = align(picture, FrameLandmarks(points), self._age.template)
                self._age.estimate(crop[None])
                self.ages += 1


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
    same = {path.stem: {name: compare(path, models[name]) for name in models} for path in clips}
    note_after(machine)
    document = {
        "schema": "faceage-loop-cost/1",
        "command": ["python", "-m", _PROGRAM, *words],
        "machine": machine,
        "turns": options.turns,
        "frames_a_turn": _TURN,
        "scenes": scenes,
        "agreement": {
            name: summary([found[name] for found in same.values()]) for name in models if same
        },
        "clips": same,
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    for scene, figures in scenes.items():
        print(scene, {key: value for key, value in figures.items() if key != "samples"})
    for clip, found in same.items():
        print(clip, found)
    for name, figures in document["agreement"].items():
        print(name, figures)
    return 0


def _scene(scene: str, options: argparse.Namespace, models: dict[str, Models]) -> dict[str, Any]:
    pictures = cycle(list(scene_frames(scene)))
    # Others fill the caches, so that a loop's first frames count: it reads most ages in them.
    first = list(islice(pictures, _TURN))
    for one in _runs(options, models).values():
        one(first)
    runs = _runs(options, models)
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.turns):
        some = list(islice(pictures, _TURN))
        for name, one in runs.items():
            begun = time.thread_time()
            one(some)
            spent[name].append(round(1000 * (time.thread_time() - begun) / _TURN, 4))
    means = {name: sum(values) / len(values) for name, values in spent.items()}
    return {
        "cpu_ms_a_frame": {name: round(value, 3) for name, value in means.items()},
        "share_of_yunet": {
            name: round(means[name] / means["yunet-every-frame"], 4) for name in _DETECTORS
        },
        "ages": {name: one.ages for name, one in runs.items()},
        "samples": spent,
    }


def _runs(options: argparse.Namespace, models: dict[str, Models]) -> dict[str, Loop | _Common]:
    """Everything that is measured, as at its start."""
    loops = {name: Loop(models[name], every_frame=False) for name in _DETECTORS}
    return {**loops, "yunet-every-frame": _Common(options.yunet, models["mtcnn"])}


if __name__ == "__main__":
    sys.exit(main())
