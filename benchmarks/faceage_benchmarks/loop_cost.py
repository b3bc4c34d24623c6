"""`faceage-benchmark loop-cost`: what a frame of the loop costs, against searching every frame.

CPU time of one thread: the loop with each shipped detector, and what people commonly build: YuNet
on the frame at half size and the same int8 age model, both on every frame. All take turns, some
frames each, so that what else the machine does weighs on all alike. With --clips, the loop
and the loop that searches and reads every frame see the same films.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2

from faceage_benchmarks.arm.scenes import SCENES, scene_frames
from faceage_benchmarks.camera_models import stated_models
from faceage_benchmarks.film_faces import film_faces
from faceage_benchmarks.loop_cost_figures import YUNET, loop_cost_figures
from faceage_benchmarks.loop_runs import CommonRun, LoopRun, Picture
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_calibration.progress import Progress
from faceage_edge.about import about_models
from faceage_edge.errors import FaceageError
from faceage_edge.loading import Models, choose, load_bundle

__all__ = ["run"]

_DETECTORS = ("face-finder", "mtcnn")
_FPS = 25.0
# Frames of one turn; a turn of the loop has a pass in it.
_TURN = 30
# Of each scene; below, the file says that it is quick.
_FRAMES = 1024


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure scenes, then films; see loop_commands.py."""
    yunet, films = Path(options.yunet), _films(options.clips)
    if not yunet.is_file():
        raise FaceageError(f"there is no file {yunet}; give YuNet's .onnx with --yunet")
    cv2.setNumThreads(1)
    machine = describe_machine()
    models = {name: load_bundle(detector=name) for name in _DETECTORS}
    progress = Progress("turns", len(SCENES) * (options.turns + 1))
    samples: dict[str, Any] = {"frames_a_turn": _TURN, "cpu_s": {}, "yunet_faces": {}, "clips": {}}
    for number, scene in enumerate(SCENES):
        done = partial(lambda before, turn: progress(before + turn), number * (options.turns + 1))
        spent, faces = _turns(scene, options.turns, yunet, models, done)
        samples["cpu_s"][scene], samples["yunet_faces"][scene] = spent, faces
    for film in films:
        samples["clips"][film.stem] = {name: film_faces(film, models[name]) for name in models}
    note_after(machine)
    settings = bootstrap_settings("turns", seed=options.seed)
    result = new_result(
        "loop-cost",
        command=command,
        machine=machine,
        measures=f"CPU time of one thread a frame of 640 x 480 at {_FPS:g} a second, all in turn",
        quick=options.turns * _TURN < _FRAMES,
        threads=1,
        models=_models(),
        digests={path.name: _digest(path) for path in (yunet, *films)},
        **loop_cost_figures(samples, settings),
        warm_up={"turns": 1},
        seeds={},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def _films(folder: str | None) -> list[Path]:
    """Return the films of a folder, none without one; FaceageError if it holds none."""
    films = [] if folder is None else sorted(Path(folder).glob("*.gif"))
    if folder is not None and not films:
        raise FaceageError(f"{folder} holds no .gif; give the folder of the clips, or no --clips")
    return films


def _models() -> list[dict[str, Any]]:
    """Return each network that runs, once, though both loops run the same age model."""
    every = [
        one for name in _DETECTORS for one in stated_models(about_models(choose(detector=name)))
    ]
    return list({one["digest"]: one for one in every}.values())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _turns(
    scene: str,
    turns: int,
    yunet: Path,
    models: Mapping[str, Models],
    done: Callable[[int], None],
) -> tuple[dict[str, list[float]], list[int]]:
    """Return the CPU seconds of each turn by what ran, and YuNet's faces of each turn."""
    pictures = cycle(list(scene_frames(scene)))
    # Others fill the caches, so that a loop's first frames count: it reads most ages in them.
    first = list(islice(pictures, _TURN))
    for one in _runs(yunet, models)[0].values():
        one(first)
    done(1)
    runs, common = _runs(yunet, models)
    spent: dict[str, list[float]] = {name: [] for name in runs}
    faces = []
    for turn in range(turns):
        some, before = list(islice(pictures, _TURN)), common.faces
        for name, one in runs.items():
            begun = time.thread_time()
            one(some)
            spent[name].append(round(time.thread_time() - begun, 6))
        faces.append(common.faces - before)
        done(turn + 2)
    return spent, faces


def _runs(
    yunet: Path, models: Mapping[str, Models]
) -> tuple[dict[str, Callable[[Sequence[Picture]], None]], CommonRun]:
    """Everything that is measured, as at its start, and of it what counts YuNet's faces."""
    common = CommonRun(yunet, models[_DETECTORS[0]])
    loops = {
        name: partial(LoopRun(models[name], every_frame=False), fps=_FPS) for name in _DETECTORS
    }
    return {**loops, YUNET: common}, common
