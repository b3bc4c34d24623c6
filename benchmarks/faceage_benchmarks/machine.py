"""What a measurement ran on: board, cores, governor, versions, throttle flags.

No host name and no user: a result file is meant to be published.
"""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["describe_machine", "note_after", "throttle_flags"]

# Which distributions may provide a library; the first one installed is named.
_LIBRARIES = {
    "numpy": ("numpy",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"),
    "litert": ("ai-edge-litert", "tflite-runtime"),
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "faceage": ("faceage",),
}
# Raspberry Pi firmware; bits 0-3 say what is happening now, 16-19 what happened since boot.
_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def describe_machine(root: Path = Path("/")) -> dict[str, Any]:
    """Return the machine as it stands in a result file.

    Args:
        root: where /proc and /sys are found; a test gives a tree of its own.

    Returns:
        `model`, `architecture`, `system`, `cores` (those this process may use), `cores_all`,
        `governor`, `versions` (library to version, None when it is not installed), and with
        their values now under `before` the `throttled` flags and `load_average` (programs that
        want a core, over the last minute); what cannot be read is None.
    """
    return {
        "model": _model(root),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cores_all": os.cpu_count(),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "versions": _versions(),
        "throttled": {"before": throttle_flags(root), "after": None},
        "load_average": {"before": _load_average(root), "after": None},
    }


def note_after(machine: dict[str, Any], root: Path = Path("/")) -> None:
    """Write what may have disturbed a measurement under `after`, once it is over.

    Args:
        machine: from `describe_machine`, taken before; changed in place.
        root: where /proc and /sys are found.
    """
    machine["throttled"]["after"] = throttle_flags(root)
    machine["load_average"]["after"] = _load_average(root)


def throttle_flags(root: Path = Path("/")) -> str | None:
    """Return the firmware's throttle flags as hexadecimal text, such as "0x50000".

    Bits 0-3: under-voltage, frequency capped, throttled, soft temperature limit now; bits 16-19:
    the same since boot. None where there is no such firmware.
    """
    text = _text(root / _THROTTLED)
    if text is None and root == Path("/"):
        text = _ask_vcgencmd()
    if text is None:
        return None
    try:
        return hex(int(text.rpartition("=")[2], 16))
    except ValueError:
        return None


def _ask_vcgencmd() -> str | None:
    """Ask the older interface of the same firmware, which prints throttled=0x0."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get_throttled"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _load_average(root: Path) -> float | None:
    try:
        return float((_text(root / "proc/loadavg") or "").split()[0])
    except (ValueError, IndexError):
        return None


def _model(root: Path) -> str | None:
    # A device tree's strings end in NUL.
    board = _text(root / "proc/device-tree/model")
    if board:
        return board
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return None


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for library, distributions in _LIBRARIES.items():
        versions[library] = next(filter(None, map(_version, distributions)), None)
    if versions["cv2"] is None:  # from apt: no distribution of that name
        import cv2

        versions["cv2"] = str(cv2.__version__)
    return versions


def _version(distribution: str) -> str | None:
    try:
        return f"{distribution} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip("\0 \n")
    except OSError:
        return None
