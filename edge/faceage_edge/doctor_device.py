"""The doctor's look at the device: camera, power, heat, Coral."""

import argparse
import ctypes.util
import os
import time
from pathlib import Path

from faceage_edge.diagnosis import Diagnosis
from faceage_edge.errors import FaceageError
from faceage_edge.frames import CameraRequest
from faceage_edge.sources import open_source
from faceage_edge.throttling import ask_firmware, flag_names, parse_flags, since_start

__all__ = ["camera", "coral", "heat", "power"]

# A network camera that is opened and sends nothing would be waited for without an end.
_FRAME_S = 20.0
# From here on a Pi slows itself down.
_HOT_C = 80.0
# Vendor and product of a USB Coral before and after it got its firmware.
_CORALS = {("1a6e", "089a"), ("18d1", "9302")}


def camera(options: argparse.Namespace, root: Path) -> Diagnosis:
    """Open the source of the command line and take a frame."""
    devices = sorted(path.name for path in (root / "dev").glob("video*"))
    shut = [name for name in devices if not os.access(root / "dev" / name, os.R_OK | os.W_OK)]
    listed = ", ".join(f"/dev/{name}" for name in devices) or "no /dev/video*"
    if options.source == "-":
        return Diagnosis("absent", "--source - reads standard input")
    try:
        request = CameraRequest(options.width, options.height, options.fps)
        until = time.monotonic() + _FRAME_S
        with open_source(options.source, request, leave=lambda: _past(until)) as source:
            frame = next(iter(source), None)
            words = source.describe()
    except FaceageError as error:
        fix = str(error)
        if shut:
            fix = f"sudo usermod -aG video $USER, then log in again (/dev/{shut[0]} is shut to you)"
        return Diagnosis("broken", f"--source {options.source} gives no frame; {listed}", fix)
    if frame is None and _past(until):
        fix = "does it send? Try another program, such as ffplay, or switch it off and on"
        return Diagnosis("broken", f"{words} opens and gives no frame for {_FRAME_S:g} s", fix)
    if frame is None:
        return Diagnosis("broken", f"{words} ended at once", "name another --source")
    height, width = frame.picture.shape[:2]
    return Diagnosis("ok", f"{words}: a frame of {width} x {height}")


def _past(until: float) -> bool:
    return time.monotonic() > until


def power(root: Path) -> Diagnosis:
    """The Pi firmware's flags on supply and throttling."""
    text = ask_firmware(root)
    if text is None:
        return Diagnosis("absent", "no Raspberry Pi firmware to ask")
    flags = parse_flags(text)
    if flags is None:
        return Diagnosis("warning", f"the firmware answers {text!r}", "expected hexadecimal flags")
    now, before = flag_names(flags), flag_names(since_start(flags))
    fix = "use the official supply and a short cable; cool the processor"
    if now:
        return Diagnosis("broken", f"now: {', '.join(now)}", fix)
    if before:
        return Diagnosis("warning", f"since it was switched on: {', '.join(before)}", fix)
    return Diagnosis("ok", "no under-voltage, not throttled")


def heat(root: Path) -> Diagnosis:
    """The processor's temperature."""
    text = _read(root / "sys/class/thermal/thermal_zone0/temp")
    if text is None or not text.lstrip("-").isdigit():
        return Diagnosis("absent", "no temperature to read")
    degrees = int(text) / 1000
    if degrees < _HOT_C:
        return Diagnosis("ok", f"{degrees:.0f} °C")
    return Diagnosis("warning", f"{degrees:.0f} °C", "cool it: from 80 °C on a Pi slows down")


def coral(root: Path) -> Diagnosis:
    """An Edge TPU, its driver and its library."""
    usb = [path.parent.name for path in (root / "sys/bus/usb/devices").glob("*/idVendor")
           if (_read(path), _read(path.with_name("idProduct"))) in _CORALS]  # fmt: skip
    pci = [path.name for path in (root / "dev").glob("apex_*")]
    if not usb and not pci:
        return Diagnosis("absent", "no Edge TPU")
    found = f"Edge TPU on {'USB' if usb else f'/dev/{pci[0]}'}"
    if pci and not os.access(root / "dev" / pci[0], os.R_OK | os.W_OK):
        return Diagnosis("broken", found, "sudo usermod -aG apex $USER, then log in again")
    if ctypes.util.find_library("edgetpu") is None:
        return Diagnosis(
            "broken",
            f"{found}, and no libedgetpu",
            "install libedgetpu1-std (https://coral.ai/docs/accelerator/get-started/)",
        )
    return Diagnosis("ok", f"{found}, libedgetpu installed")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
