"""The doctor's look at the installed software: Python, system, numpy, OpenCV, runtime, models."""

import argparse
import platform
import subprocess
import sys

import cv2
import numpy as np

from faceage_edge import __version__
from faceage_edge.diagnosis import Diagnosis
from faceage_edge.errors import FaceageError
from faceage_edge.install_model import self_test
from faceage_edge.loading import choose, folder_contracts
from faceage_edge.runtime import runtime_name
from faceage_edge.two_branches import model_files

__all__ = ["models", "numpy_abi", "opencv", "picamera2", "python", "runtime", "system"]

# LiteRT's wheels load with this one or a newer: Debian 12 and Ubuntu 22.04 have it.
_GLIBC = (2, 34)
# Packages of Raspberry Pi OS that are compiled against its own numpy.
_COMPILED = ("simplejpeg", "picamera2")
_PATIENCE_S = 60


def python() -> Diagnosis:
    """The interpreter and this package's version."""
    found = f"{platform.python_version()}, faceage {__version__}"
    if (3, 11) <= sys.version_info < (3, 14):
        return Diagnosis("ok", found)
    return Diagnosis("broken", found, "install Python 3.11, 3.12 or 3.13")


def system() -> Diagnosis:
    """The processor and the C library."""
    library, version = platform.libc_ver()
    found = f"{platform.machine()}, {library or 'another C library than glibc'} {version}".strip()
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if library == "glibc" and numbers >= _GLIBC:
        return Diagnosis("ok", found)
    return Diagnosis(
        "warning",
        found,
        "LiteRT's wheels need glibc 2.34 (Debian 12, Ubuntu 22.04); where the runtime below does "
        "not load, take tflite-runtime (constraints/device-bookworm.txt)",
    )


def numpy_abi() -> Diagnosis:
    """Whether the system's compiled packages, where they are visible, fit this numpy."""
    found = f"numpy {np.__version__}"
    seen = {name: _import(name) for name in _COMPILED}
    clashing = [name for name, words in seen.items() if _is_clash(words)]
    if clashing:
        return Diagnosis(
            "broken",
            f"{found}, which {', '.join(clashing)} of the system is not built against",
            'keep numpy below 2: pip install -c constraints/device-bookworm.txt "numpy<2"',
        )
    beside = [name for name, words in seen.items() if not words]
    return Diagnosis("ok", f"{found}, fits {', '.join(beside)}" if beside else found)


def opencv() -> Diagnosis:
    """OpenCV, and whether it opens windows and videos."""
    information = cv2.getBuildInformation()
    windows = any(_has(information, kit) for kit in ("GTK+", "QT"))
    films = _has(information, "FFMPEG")
    found = f"{cv2.__version__}, {'windows' if windows else 'no windows'}"
    if films:
        return Diagnosis("ok", f"{found}, FFmpeg")
    return Diagnosis(
        "warning",
        f"{found}, no FFmpeg",
        "videos and network cameras need it: pip install opencv-python-headless",
    )


def runtime() -> Diagnosis:
    """Whether LiteRT or tflite-runtime loads."""
    try:
        return Diagnosis("ok", runtime_name())
    except FaceageError as error:
        return Diagnosis("broken", "no runtime loads", str(error))


def models(options: argparse.Namespace) -> Diagnosis:
    """Whether the models of the command line compute here what they computed when made."""
    try:
        chosen = choose(options.models, age=options.age, detector=options.detector)
        networks = [
            path
            for path, contract in folder_contracts(chosen.detector).items()
            if contract.scheme == chosen.scheme and contract.detector is not None
        ]
        self_test(*model_files(chosen.age), *networks)
    except FaceageError as error:
        return Diagnosis("broken", "a model fails", str(error))
    names = f"{chosen.age.name} and {len(networks)} networks of {chosen.detector.name}"
    return Diagnosis("ok", f"{names} compute their golden outputs")


def picamera2() -> Diagnosis:
    """Whether a Pi's own camera could be used."""
    words = _import("picamera2")
    if not words:
        return Diagnosis("ok", "imports")
    if _is_clash(words):
        return Diagnosis("broken", words, "see numpy above")
    return Diagnosis(
        "absent",
        "not visible; only --source picamera2 needs it",
        "sudo apt install python3-picamera2, and an environment made with --system-site-packages",
    )


def _has(information: str, name: str) -> bool:
    line = next((line for line in information.splitlines() if f"{name}:" in line), "")
    return "YES" in line


def _import(name: str) -> str:
    """Import a package in a process of its own; its last words, empty when it went well."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"importing {name} takes over {_PATIENCE_S} seconds"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or ["it died"])[-1]


def _is_clash(words: str) -> bool:
    # numpy's own words, of version 1 and of version 2.
    return "dtype size changed" in words or "numpy.core.multiarray failed" in words
