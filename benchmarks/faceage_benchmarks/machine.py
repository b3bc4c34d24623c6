"""What a measurement ran on: board, cores, governor, versions, throttle flags.

No host name and no user: a result file is meant to be published.
"""

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

from faceage_edge.throttling import read_flags

__all__ = ["describe_machine", "note_after", "throttle_flags"]

# Which distributions may provide a library; the first one installed is named.
_LIBRARIES = {
    "numpy": ("numpy",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"),
    "litert": ("ai-edge-litert", "tflite-runtime"),
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "jax": ("jax",),
    "torch": ("torch",),
    "faceage": ("faceage",),
}
_GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
# In kHz, and in thousandths of a degree.
_CLOCK = "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
_TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"


def describe_machine(root: Path = Path("/")) -> dict[str, Any]:
    """Return the machine as it stands in a result file.

    Args:
        root: where /proc and /sys are found; a test gives a tree of its own.

    Returns:
        `model`, `architecture`, `system`, `cores` (those this process may use), `cores_all`,
        `memory_bytes`, `governor`, `versions` (library to version, None when it is not
        installed), and with their values now under `before` the `throttled` flags,
        `load_average` (programs that want a core, over the last minute), `clock_mhz` and
        `temperature_c` of the processor, and `cpu` (seconds of all cores together: `busy_s`, of
        which this program and what it ran used `own_s`, `steal_s` given to other guests by a
        hypervisor, and the time `at_s`); what cannot be read is None.
    """
    return {
        "model": _model(root),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cores_all": os.cpu_count(),
        "governor": _text(root / _GOVERNOR),
        "versions": _versions(),
        "memory_bytes": _memory(root),
        **{key: {"before": value, "after": None} for key, value in _state(root).items()},
    }


def note_after(machine: dict[str, Any], root: Path = Path("/")) -> None:
    """Write what may have disturbed a measurement under `after`, once it is over.

    Args:
        machine: from `describe_machine`, taken before; changed in place.
        root: where /proc and /sys are found.
    """
    for key, value in _state(root).items():
        machine[key]["after"] = value


def throttle_flags(root: Path = Path("/")) -> str | None:
    """Return the firmware's flags (faceage_edge.throttling) as hexadecimal text like "0x50000".

    None where there is no such firmware.
    """
    flags = read_flags(root)
    return None if flags is None else hex(flags)


def _state(root: Path) -> dict[str, Any]:
    """Return what may disturb a measurement, as it is now."""
    return {
        "throttled": throttle_flags(root),
        "load_average": _load_average(root),
        "clock_mhz": _number(root / _CLOCK, 1000),
        "temperature_c": _number(root / _TEMPERATURE, 1000),
        "cpu": _cpu_seconds(root),
    }


def _cpu_seconds(root: Path) -> dict[str, float] | None:
    """Read /proc/stat's first line: user, nice, system, idle, iowait, irq, softirq, steal, ..."""
    words = (_text(root / "proc/stat") or "").partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words[1:9]]
    idle = ticks[3] + ticks[4]
    return {
        "busy_s": round(sum(ticks[:7]) - idle, 3),
        "own_s": round(sum(os.times()[:4]), 3),
        "steal_s": round(ticks[7], 3),
        "at_s": round(time.monotonic(), 3),
    }


def _memory(root: Path) -> int | None:
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return 1024 * int(line.split()[1])
    return None


def _number(path: Path, per_unit: float) -> float | None:
    try:
        return round(float(_text(path) or "") / per_unit, 1)
    except ValueError:
        return None


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
