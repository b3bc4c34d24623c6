"""A folder with what the pages' commands name, and the commands run in it as a reader would."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.faces import read_faces
from faceage_edge import age, bundles, detector

__all__ = ["Desk", "commands", "lay_out"]

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ROOT / "tests" / "edge" / "faults"
_FOLDERS = ("edge", "calibration", "models", "convert", "benchmarks", ".")
_LIMIT_S = 300
# The models that readers' commands ask; drawn faces are none to either, and they do not agree.
_AGED_BY = ("age-mobilenet-coral", "age-tiny")


def commands(page: str) -> list[str]:
    """Every line of a page's shell blocks, continued ones joined, without comments."""
    found = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = "\n".join(found).replace("\\\n", " ").splitlines()
    return [" ".join(line.split("  #")[0].split()) for line in lines if line.strip()]


@dataclass(frozen=True)
class Desk:
    """The folder, and the camera that its commands find as number 0 and as a Pi's own."""

    folder: Path
    camera: Path

    def environment(self) -> dict[str, str]:
        """Of a reader who has faceage installed, and nothing cached."""
        paths = [FAULTS, self.camera, *(ROOT / name for name in _FOLDERS)]
        return {
            **os.environ,
            "PATH": os.pathsep.join([str(self.folder / ".venv" / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "FACEAGE_FAKE_CAMERA": str(self.camera),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def run(self, line: str) -> str:
        """Run a command to its end; what it wrote. It must end well."""
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environment(), capture_output=True,
            text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: code {done.returncode}: {done.stderr[-1500:]}"
        return done.stdout

    def watch(self, line: str, results: int = 3) -> list[dict[str, object]]:
        """Run a camera's command until some results are there, and end it; it must end well."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        killer = threading.Timer(_LIMIT_S, process.kill)
        killer.start()
        try:
            assert process.stdout is not None and process.stderr is not None
            lines = [text for text, _ in zip(process.stdout, range(results), strict=False)]
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate()
        finally:
            killer.cancel()
            process.kill()
        assert process.returncode == 0 and len(lines) == results, f"{line}: {said[-1500:]}"
        return [json.loads(text) for text in lines]


def lay_out(folder: Path, picture: object) -> Desk:
    """Fill a folder; `picture` is what the camera sees, uint8 (height, width, 3), BGR."""
    from tests.edge.faults.fake_camera import FakeCamera

    camera = FakeCamera(folder / "camera", picture)  # type: ignore[arg-type]
    (camera.folder / "picamera2.py").write_text("from tests.edge.fake_picamera2 import Picamera2\n")
    _faces(folder)
    _models(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    for name in ("constraints", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "results").mkdir()
    for name in ("accuracy-detect", "arm"):
        shutil.copy(ROOT / "benchmarks" / "results" / f"{name}.json", folder / "results")
    return Desk(folder, camera.folder)


def _faces(folder: Path) -> None:
    """Sets of drawn faces, no two alike, under UTKFace names; half of them below 18.

    Whom the shipped models take for older is older here: thresholds are fitted to that.
    """
    from tests.convert.conftest import _face

    models = [age.load_age_model(bundles.find(f"{n}/{n}.int8.tflite")) for n in _AGED_BY]
    sets = {"faces": 24, "others": 30, "held-out": 60, "utkface-dev": 30, "utkface-calib": 60}
    for number, (name, count) in enumerate(sets.items()):
        made = folder / name
        made.mkdir()
        for n in range(count):
            picture = cv2.imencode(".jpg", _face(100 * number + n))[1]
            # Of no age yet, in whose place it gets another name.
            (made / f"1_{n % 2}_{n % 5}_2017{n:08d}.jpg").write_bytes(picture.tobytes())
        drawn = sorted(made.iterdir())
        for place, n in enumerate(np.argsort(_mean_place(models, made))):
            years = round(36 * place / count) if 2 * place < count else 18 + place
            drawn[n].rename(made / drawn[n].name.replace("1_", f"{years}_", 1))
        with tarfile.open(folder / f"{name}.tar", "w") as archive:
            for path in sorted(made.iterdir()):
                archive.add(path, path.name)


def _mean_place(models: list[age.AgeModel], pictures: Path) -> npt.NDArray[np.float64]:
    """Mean place of each picture of a folder among all, (n,), from the youngest that the models see
    in the crops of the camera.

    Not mean years: the model whose years are further apart would place them alone.
    """
    faces, finder = read_faces(str(pictures)), detector.load_detector()
    places = []
    for model in models:
        crops, _ = crop_all(faces, FaceCropper(model.template, mode="detect", detector=finder))
        places.append(np.argsort(np.argsort(model.estimate(crops).years)))
    return np.asarray(np.mean(places, axis=0))


def _models(folder: Path) -> None:
    """The smallest shipped model in every place where a reader has one of their own."""
    tiny, run = ROOT / "models" / "age-tiny", folder / "run"
    run.mkdir()
    for target in (folder / "age.keras", run / "best.keras"):
        shutil.copy(tiny / "age-tiny.keras", target)
    contract = json.loads((tiny / "age-tiny.float32.json").read_text(encoding="utf-8"))
    # As faceage-train calls it.
    (run / "best.json").write_text(json.dumps(contract | {"name": "age"}))
    for name in ("age.int8.tflite", "age-2.int8.tflite"):
        shutil.copy(tiny / "age-tiny.int8.tflite", folder / name)
    shutil.copy(tiny / "age-tiny.float32.tflite", folder / "age.float32.tflite")
    (folder / "models").mkdir()
    shutil.copy(
        ROOT / "models/age-mobilenet-coral/age-mobilenet-coral.int8.tflite", folder / "models"
    )
    table = "age-mobilenet-coral.int8.threshold.json"
    shutil.copy(ROOT / "models" / "age-mobilenet-coral" / table, folder / "models")
