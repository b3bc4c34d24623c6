"""How a board fares: temperature, throttling, clock, memory. Every reading may be missing.

The files are those of Raspberry Pi OS, and of Linux on other boards as far as they have them.
"""

from dataclasses import dataclass
from pathlib import Path

from faceage_edge.throttling import flag_names, read_flags, since_start

__all__ = ["Health", "read_health"]


@dataclass(frozen=True)
class Health:
    """One reading; None is what this machine does not tell.

    `temperature_c` is the hottest zone in degrees Celsius, `throttled` the firmware's flags,
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
        return bool(flag_names(self.throttled or 0))

    def complaints(self) -> list[str]:
        """What is wrong now, and what was since the board was started, in words."""
        flags = self.throttled or 0
        now = flag_names(flags)
        earlier = flag_names(since_start(flags))
        return now + [f"{name} earlier" for name in earlier if name not in now]


def read_health(process: int | None = None, root: Path = Path("/")) -> Health:
    """Read what this machine tells of itself.

    Args:
        process: whose memory is asked for.
        root: where /sys and /proc are; another one in tests.
    """
    return Health(
        model=_model(root),
        temperature_c=_temperature(root),
        throttled=read_flags(root),
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


def _rss(root: Path, process: int) -> float | None:
    for line in (_text(root / f"proc/{process}/status") or "").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None
