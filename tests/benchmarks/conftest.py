"""Small results of every kind, measured on fakes."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.clip_ages import clip_figures
from faceage_benchmarks.detection import measure_detection
from faceage_benchmarks.detection_figures import detection_figures
from faceage_benchmarks.detectors import NamedDetector
from faceage_benchmarks.figures import FIGURES, recompute
from faceage_benchmarks.latency import latency_content
from faceage_benchmarks.machine import describe_machine
from faceage_benchmarks.photo_boxes import read_photos
from faceage_benchmarks.result import bootstrap_settings, new_result, read_result
from faceage_benchmarks.stopwatch import Effort, time_models
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

_IDENTITY = {
    "path": "model.tflite",
    "name": "age-mobilenet-coral",
    "task": "age",
    "digest": "ab" * 32,
    "scheme": "int8",
    "bytes": 1_234_567,
}
_OTHER = _IDENTITY | {"path": "float.tflite", "scheme": "float32", "digest": "cd" * 32}


def _exact_samples(n: int = 40, *, seed: int = 0) -> dict[str, Any]:
    """Return samples of a made-up accuracy measurement with exact ages."""
    generator = np.random.default_rng(seed)
    true = [float(age) for age in generator.integers(0, 90, n)]
    predicted = [round(age + float(generator.normal(1, 5)), 3) for age in true]
    return {
        "unit": "years",
        "faces": [f"{face:012x}" for face in range(n)],
        "true": true,
        "predicted": predicted,
        "low": [round(age - 8.0, 3) for age in predicted],
        "high": [round(age + 8.0, 3) for age in predicted],
        "against_predicted": [round(age + float(generator.normal(0, 0.5)), 3) for age in predicted],
        "nominal": 0.9,
        "gender": [("female", "male", None)[face % 3] for face in range(n)],
        "ethnicity": ["one" if face < 30 else "two" for face in range(n)],
        "found": [face % 10 != 3 for face in range(n)],
    }


def _binned_samples() -> dict[str, Any]:
    """Return four faces in three bins; inside, one year above, ten years below, inside."""
    return {
        "unit": "bins",
        "faces": ["a" * 12, "b" * 12, "c" * 12, "d" * 12],
        "true": [[20.0, 30.0], [20.0, 30.0], [70.0, None], [0.0, 3.0]],
        "predicted": [20.0, 31.0, 60.0, 2.9],
        "found": [True, True, False, True],
        "gender": [None] * 4,
        "ethnicity": ["one", "two", "two", "one"],
    }


def _accuracy_result(samples: dict[str, Any]) -> dict[str, Any]:
    """Return a whole accuracy result of given samples."""
    settings = bootstrap_settings("faces")
    return new_result(
        "accuracy",
        command=["faceage-benchmark", "accuracy", "--faces", "faces.tar"],
        machine=describe_machine(),
        model=_IDENTITY,
        **({"against": _OTHER} if "against_predicted" in samples else {}),
        **age_figures(samples, settings),
        set={
            "path": "faces.tar",
            "digest": "ef" * 32,
            "pictures": len(samples["found"]),
            "convention": "utkface",
            "alignment": "utkface",
        },
        crops="detect",
        detector={"path": "int8", "digest": "01" * 32},
        seeds={"choice": None},
        bootstrap=settings,
        samples=samples,
    )


class Ticks:
    """A clock that only moves when a fake model runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def model(self, milliseconds: Callable[[int], float]) -> Callable[[], Callable[[], None]]:
        """Return a loader of a model whose run i takes so many milliseconds."""

        def load() -> Callable[[], None]:
            self.now += 0.020
            runs = count()

            def run() -> None:
                self.now += milliseconds(next(runs)) / 1000

            return run

        return load


def _latency_result() -> dict[str, Any]:
    """Return a whole latency result of two fake models."""
    ticks = Ticks()
    effort = Effort(seconds=0.5, runs=30, loads=5)
    loaders = [ticks.model(lambda i: 4 + i % 5), ticks.model(lambda i: 8 + i % 7)]
    timings = time_models(loaders, effort, seed=1, clock=ticks)
    return new_result(
        "latency",
        command=["faceage-benchmark", "latency", "--model", "m.tflite", "--against", "n.tflite"],
        machine=describe_machine(),
        model=_IDENTITY,
        against=_OTHER,
        **latency_content(timings, effort, seed=1),
        threads=1,
    )


def _face(x: float, y: float, side: float, score: float, *, shift: float = 0.0) -> Face:
    """Return a square face whose landmarks lie where a face's do, moved right by `shift`."""
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = shares * side + (x + shift, y)
    return Face(FrameBox(x, y, side, side), FrameLandmarks(points), score)


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of two grey photos; three faces, and one that is to be ignored."""
    folder = tmp_path_factory.mktemp("photos")
    for name, grey in (("one.png", 90), ("two.png", 160)):
        encoded = cv2.imencode(".png", np.full((200, 300, 3), grey, np.uint8))[1]
        (folder / name).write_bytes(encoded.tobytes())
    (folder / "faces.xml").write_text(
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n<dataset><images>"
        "<image file='one.png'><box top='20' left='10' width='40' height='40'/>"
        "<box top='20' left='100' width='40' height='40'/></image>"
        "<image file='two.png'><box top='50' left='60' width='50' height='50'/>"
        "<box top='120' left='200' width='40' height='40' ignore='1'/></image>"
        "</images></dataset>"
    )
    return folder


def _fake_detectors() -> list[NamedDetector]:
    """Return two detectors for `photos_folder`, told apart by the photos' grey.

    float32 finds all three faces; int8 misses one, finds one shifted, invents one, and also
    reports the ignored face.
    """
    exact = {90: [_face(10, 20, 40, 0.9), _face(100, 20, 40, 0.8)], 160: [_face(60, 50, 50, 0.99)]}
    rough = {
        90: [_face(14, 20, 40, 0.9, shift=-4.0), _face(200, 120, 30, 0.7)],
        160: [_face(60, 50, 50, 0.95, shift=2.0), _face(202, 121, 40, 0.6)],
    }
    return [
        NamedDetector("int8", "aa" * 32, lambda frame: rough[int(frame[0, 0, 0])]),
        NamedDetector("float32", "bb" * 32, lambda frame: exact[int(frame[0, 0, 0])]),
    ]


def _detection_result(folder: Path) -> dict[str, Any]:
    """Return a whole detection result of the fakes."""
    samples = measure_detection(read_photos(folder), _fake_detectors())
    settings = bootstrap_settings("labelled faces")
    return new_result(
        "detection",
        command=["faceage-benchmark", "detection", "--photos", "photos"],
        machine=describe_machine(),
        **detection_figures(samples, settings),
        min_face=20.0,
        matching={"rule": "greedy", "iou": 0.3},
        seeds={},
        bootstrap=settings,
        samples=samples,
    )


def _demo_result() -> dict[str, Any]:
    """Return a whole demonstration's result of three frames."""
    samples = {
        "found_int8": [True, True, False],
        "found_float32": [True, True, True],
        "years_int8": [30.5, 31.25],
        "years_float32": [30.0, 32.0],
    }
    settings = bootstrap_settings("frames")
    return new_result(
        "demo",
        command=["python", "-m", "faceage_benchmarks.demo", "--out", "out"],
        machine=describe_machine(),
        **clip_figures(samples, settings),
        seeds={},
        bootstrap=settings,
        samples=samples,
    )


def _loop_samples() -> dict[str, dict[str, Any]]:
    """Return samples of the kinds that watch the camera loop or the fuzzer, a few rows each."""
    rows = {"person": [1] * 10, "age": [30.0] * 10, "loop_age": [31.0] * 9 + [None]}
    return {
        "loop-cost": {
            "frames_a_turn": 30,
            "cpu_s": {"idle": {"mtcnn": [0.03, 0.06], "yunet-every-frame": [0.3, 0.3]}},
            "yunet_faces": {"idle": [30, 0]},
            "clips": {"film": {"mtcnn": rows | {"extra": [0, 2]}}},
        },
        "freshness": {
            "camera_fps": 20.0,
            "frames_delivered": 50,
            "drops": 24,
            "frame": list(range(0, 50, 2)),
            "at_s": [index / 10 for index in range(25)],
            "latency_ms": [100.0 + index for index in range(25)],
            "model_ms": [90.0] * 25,
        },
        "endurance": {
            "frames_fed": 130,
            "pause_s": 3.0,
            "slices": {
                "end_s": [5.0, 10.0, 15.0],
                "results": [60, 0, 65],
                "degraded": [0, 0, 5],
                "restarts": [0, 0, 1],
                "longest_gap_s": [0.25, None, 6.5],
                "rss_mb": [80.0, None, 84.0],
                "descriptors": [4, None, 5],
                "worker_threads": [3, None, 3],
            },
            "faults": {
                "at_s": [4.5, 11.0, 14.9],
                "fault": ["killed", "no frames", "abort"],
                "gap_s": [6.5, 3.25, None],
            },
        },
        "fuzz": {
            "seed_files": [{"sha256": "ab" * 32, "bytes": 100}, {"sha256": "cd" * 32, "bytes": 50}],
            "progress": {
                "executions": [1, 2, 4, 5],
                "seconds": [0.5, 1.0, 2.0, 2.5],
                "edges": [7, 7, 9, 10],
            },
            "found": [],
        },
    }


def _loop_results() -> dict[str, dict[str, Any]]:
    """Return a whole result of each of these samples."""
    networks = [{key: _IDENTITY[key] for key in ("name", "scheme", "digest", "bytes")}]
    more: dict[str, dict[str, Any]] = {
        "loop-cost": {"threads": 1, "models": networks, "digests": {}, "warm_up": {"turns": 1}},
        "freshness": {"model_ms": 90.0},
        "endurance": {"threads": 1, "models": networks},
        "fuzz": {"target": "labels", "engine": "atheris", "tools": {}},
    }
    settings = bootstrap_settings("turns or seconds")
    return {
        kind: new_result(
            kind,
            command=["faceage-benchmark", kind],
            machine=describe_machine(),
            measures="what was made up",
            quick=True,
            **more[kind],
            **FIGURES[kind](samples, settings),
            seeds={},
            bootstrap=settings,
            samples=samples,
        )
        for kind, samples in _loop_samples().items()
    }


@pytest.fixture(scope="session")
def results(photos_folder: Path) -> dict[str, dict[str, Any]]:
    """Return one result of every shape by name; not to be changed."""
    alone = _exact_samples()
    del alone["against_predicted"], alone["low"], alone["high"]
    return {
        "exact ages, two models": _accuracy_result(_exact_samples()),
        "exact ages, one model": _accuracy_result(alone),
        "bins": _accuracy_result(_binned_samples()),
        "bins, two models": _accuracy_result(
            _binned_samples() | {"against_predicted": [19.0, 31.5, 60.0, 2.0]}
        ),
        "latency": _latency_result(),
        "detection": _detection_result(photos_folder),
        "demo": _demo_result(),
        **_loop_results(),
    }


@pytest.fixture
def accuracy_of() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes a whole accuracy result of samples."""
    return _accuracy_result


@pytest.fixture
def exact_samples() -> dict[str, Any]:
    """Return samples of 40 faces with exact ages, measured with two models."""
    return _exact_samples()


@pytest.fixture
def loop_samples() -> dict[str, dict[str, Any]]:
    """Return samples of loop-cost, freshness, endurance and fuzz, by kind."""
    return _loop_samples()


@pytest.fixture
def binned_samples() -> dict[str, Any]:
    """Return samples of four faces in three bins, measured with one model."""
    return _binned_samples()


@pytest.fixture
def ticks() -> "Ticks":
    """Return a clock that only moves when one of its fake models runs."""
    return Ticks()


@pytest.fixture
def fake_detectors() -> list[NamedDetector]:
    """Return two detectors for `photos_folder`."""
    return _fake_detectors()


@pytest.fixture
def recomputed() -> Callable[[Path], dict[str, Any]]:
    """Read a result file, and hold each of its numbers to what its raw samples give."""

    def read(path: Path) -> dict[str, Any]:
        result = read_result(path)
        again = recompute(result)
        assert {key: result[key] for key in again} == again
        return result

    return read
