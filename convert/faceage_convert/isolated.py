"""Environments of their own for converters that do not live beside TensorFlow 2.21.

Each is a virtual environment in the user's cache folder, named by its pins, made when it is first
needed and used ever after. Its converter is a program in `foreign`, which reads a model and writes
files; nothing of it is imported here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from faceage_calibration.landmark_cache import cache_folder
from faceage_edge.errors import FaceageError, ModelFileError, OutputError

__all__ = ["environment", "pins_of", "ready", "run_foreign"]

# Where uv and pip say what went wrong, and a converter its reason.
_TAIL = 400
_READY = ".ready"
_INSTALL_SECONDS = 3600
_CONVERT_SECONDS = 3600


def pins_of(kind: str) -> Path:
    """The file of an environment's pins: in the package where it is installed, else the checkout's.

    Raises:
        FaceageError: it is missing.
    """
    name = f"import-{kind}.txt"
    here = Path(__file__).resolve()
    for path in (here.parent / "pins" / name, here.parents[2] / "constraints" / "importers" / name):
        if path.is_file():
            return path
    raise FaceageError(
        f"{name}, the pins of the {kind} converter, is missing: install faceage anew"
    )


def environment(kind: str) -> Path:
    """The Python of an environment, made where it is not there yet.

    Args:
        kind: `torch` or `onnx`.

    Raises:
        FaceageError: it cannot be made: no network, no room, or packages that this Python has not.
    """
    if not ready(kind):
        _make(_home(kind), pins_of(kind), kind)
    return _python(_home(kind))


def ready(kind: str) -> bool:
    """Whether an environment is there already."""
    return (_home(kind) / _READY).exists()


def _home(kind: str) -> Path:
    digest = hashlib.sha256(pins_of(kind).read_bytes()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache_folder() / "importers" / f"{kind}-py{version}-{digest}"


def _make(home: Path, pins: Path, kind: str) -> None:
    print(
        f"making the environment of the {kind} converter, once, about 2 GB: {home}",
        file=sys.stderr,
        flush=True,
    )
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=shutil.which("uv") is None)
    except (OSError, subprocess.CalledProcessError) as error:
        raise OutputError(
            f"cannot make the environment {home}: {error}; make room there"
        ) from error
    uv = shutil.which("uv")
    python = str(_python(home))
    command = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    done = _run([*command, "--quiet", "--requirement", str(pins)], _INSTALL_SECONDS)
    if done.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise FaceageError(
            f"cannot install the {kind} converter for Python {sys.version_info.major}."
            f"{sys.version_info.minor}: {_reason(done)}; it needs the network once, 3 GB of room "
            f"and a Python that {pins.name} has packages for; elsewhere convert the model to a "
            "float .tflite and give that"
        )
    # Last, so that what was stopped half way is made anew.
    (home / _READY).touch()


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run_foreign(kind: str, model: Path, out: Path, *more: str) -> None:
    """Run an environment's program on a model.

    Args:
        kind: `torch` or `onnx`.
        model: the file.
        out: folder for what the program writes.
        more: arguments of the program behind these.

    Raises:
        FaceageError: there is no environment; see `environment`.
        ModelFileError: the program cannot read or convert the model; the message ends in its words.
    """
    python = environment(kind)
    program = Path(__file__).resolve().parent / "foreign" / f"{kind}_program.py"
    words = [str(python), str(program), str(model.resolve()), str(out), *more]
    done = _run(words, _CONVERT_SECONDS)
    if done.returncode:
        raise ModelFileError(
            f"{model} cannot be converted by the {kind} converter: {_reason(done)}; give a float "
            ".tflite that was exported by hand"
        )


def _run(command: list[str], seconds: int) -> subprocess.CompletedProcess[str]:
    # Settings of this Python would lead the other one to packages that are not its own.
    hidden = ("PYTHON", "VIRTUAL_ENV", "KERAS_BACKEND")
    variables = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            done = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, env=variables, timeout=seconds,
                check=False,
            )  # fmt: skip
            code = done.returncode
        except subprocess.TimeoutExpired:
            code = 124
        log.seek(0)
        return subprocess.CompletedProcess(command, code, log.read(), "")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return (lines[-1] if lines else f"it ended with code {done.returncode}")[-_TAIL:]
