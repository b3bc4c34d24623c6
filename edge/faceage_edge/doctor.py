"""`faceage-camera --doctor`: what this machine has, what is wrong with it, and what to do."""

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceage_edge import doctor_accelerator, doctor_device, doctor_software
from faceage_edge.diagnosis import Diagnosis

__all__ = ["doctor_text", "examine"]

_SIGNS = {"ok": "ok     ", "warning": "WARNING", "broken": "BROKEN ", "absent": "absent "}


@dataclass(frozen=True)
class _Examination:
    name: str
    examine: Callable[[], Diagnosis]


def examine(options: argparse.Namespace, root: Path = Path("/")) -> dict[str, Any]:
    """Look at everything the camera needs.

    Args:
        options: of the camera's parser: its `source` is tried, its models are tested.
        root: what /sys, /proc and /dev are looked for in; another one in tests.

    Returns:
        `healthy`, and `findings`: each with `name`, `state` (`ok`, `warning`, `broken` or
        `absent`), `found` and `fix`, which is empty where nothing is to be done.
    """
    examinations = (
        _Examination("python", doctor_software.python),
        _Examination("system", doctor_software.system),
        _Examination("numpy", doctor_software.numpy_abi),
        _Examination("opencv", doctor_software.opencv),
        _Examination("runtime", doctor_software.runtime),
        _Examination("models", lambda: doctor_software.models(options)),
        _Examination("picamera2", doctor_software.picamera2),
        _Examination("camera", lambda: doctor_device.camera(options, root)),
        _Examination("power", lambda: doctor_device.power(root)),
        _Examination("heat", lambda: doctor_device.heat(root)),
        _Examination("coral", lambda: doctor_device.coral(root)),
        _Examination("accelerator", lambda: doctor_accelerator.accelerator(options)),
    )
    found = [(each.name, each.examine()) for each in examinations]
    return {
        "healthy": all(finding.state != "broken" for _, finding in found),
        "findings": [{"name": name, **asdict(finding)} for name, finding in found],
    }


def doctor_text(document: dict[str, Any]) -> str:
    """The same in lines for people; `document` is from `examine`."""
    lines = []
    for finding in document["findings"]:
        lines.append(f"{_SIGNS[finding['state']]} {finding['name']:<12}{finding['found']}")
        if finding["fix"]:
            lines.append(f"{'':20}-> {finding['fix']}")
    broken = [f["name"] for f in document["findings"] if f["state"] == "broken"]
    lines.append("")
    lines.append(f"broken: {', '.join(broken)}" if broken else "nothing is broken")
    return "\n".join(lines)
