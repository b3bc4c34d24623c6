"""How a board fares: temperature, throttling, clock, memory. Every reading may be missing.

The files are those of Raspberry Pi OS, and of Linux on other boards as far as they have them.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Health", "read_health"]

# The firmware's bits: what is so now. The same bits 16 places up say what was since the start.
_UNDER_VOLTAGE, _CAPPED, _THROTTLED, _SOFT_LIMIT = 1, 2, 4, 8
_SINCE = 16
_NAMES = {
    _UNDER_VOLTAGE: "under-voltage",
    _CAPPED: "frequency capped",
    _THROTTLED: "throttled",
    _SOFT_LIMIT: "soft temperature limit",
}
_VCGENCMD_S = 2.0


@dataclass(frozen=True)
class Health:
    """One reading; None is what this machine does not tell.

    `temperature_c` is the hottest zone in degrees Celsius, `throttled` the firmware's bits,
    `frequency_mhz` the first core's clock, `rss_mb` a process's resident memory in megabytes.
    """

    model: str | None = None
    temperature_c: float | None = None
    throttled: int | None = None
    frequency_mhz: float | None = None
    rss_mb: float | None = None

    @property
    def slowed(self) -> bool:
        """Whether the firmware holds the processor back now, for heat or for want of current."""
        return bool((self.throttled or 0) & (_UNDER_VOLTAGE | _CAPPED | _THROTTLED | _SOFT_LIMIT))

    def complaints(self) -> list[str]:
        """What is wrong now, and what was since the board was started, in words."""
        bits = self.throttled or 0
        now = [name for bit, name in _NAMES.items() if bits & bit]
        before = [
            f"{name} earlier"
            for bit, name in _NAMES.items()
            if bits & (bit << _SINCE) and not bits & bit
        ]
        return now + before


def read_health(process: int | None = None, root: Path = Path("/")) -> Health:
    """Read what this machine tells of itself.

    Args:
        process: whose memory is asked for.
        root: where /sys and /proc are; another one in tests.
    """
    return Health(
        model=_model(root),
        temperature_c=_temperature(root),
        throttled=_throttled(root),
        frequency_mhz=_scaled(
            root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", 1 / 1000
        ),
        rss_mb=None if process is None else _rss(root, process),
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def _scaled(path: Path, factor: float) -> float | None:
    try:
        return float(_text(path) or "") * factor
    except ValueError:
        return None


def _model(root: Path) -> str | None:
    return _text(root / "proc/device-tree/model") or None


def _temperature(root: Path) -> float | None:
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    found = [value for zone in zones if (value := _scaled(zone, 1 / 1000)) is not None]
    return max(found, default=None)


def _throttled(root: Path) -> int | None:
    text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None and root == Path("/"):
        text = _vcgencmd()
    try:
        return int(text or "", 16)
    except ValueError:
        return None


def _vcgencmd() -> str | None:
    """Where the kernel does not show it: `vcgencmd get_throttled` prints throttled=0x50000."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get_throttled"],
            capture_output=True, text=True, timeout=_VCGENCMD_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().partition("=")[2]


def _rss(root: Path, process: int) -> float | None:
    for line in (_text(root / f"proc/{process}/status") or "").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None
