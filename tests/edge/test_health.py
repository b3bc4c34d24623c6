"""Health readings from a tree of files as a Raspberry Pi has them."""

import os
from pathlib import Path

import pytest

from faceage_edge.health import Health, read_health


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/42/status": "Name:\tpython3\nVmRSS:\t  102400 kB\n",
    "sys/class/thermal/thermal_zone0/temp": "61835\n",
    "sys/class/thermal/thermal_zone1/temp": "48000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
}


def test_a_raspberry_pis_readings(tmp_path: Path) -> None:
    """Every reading in its unit, the hottest zone, and what the bits mean."""
    found = read_health(42, tree(tmp_path, PI))
    assert found == Health("Raspberry Pi 4 Model B Rev 1.4", 61.835, 0x50005, 600.0, 100.0)
    assert found.slowed
    assert found.complaints() == ["under-voltage", "throttled"]


@pytest.mark.parametrize("left_out", sorted(PI))
def test_each_reading_may_be_missing(tmp_path: Path, left_out: str) -> None:
    """The others are still there."""
    files = {name: text for name, text in PI.items() if name != left_out}
    values = vars(read_health(42, tree(tmp_path, files)))
    missing = [name for name, value in values.items() if value is None]
    # The second thermal zone is one of two.
    assert len(missing) == (0 if "thermal" in left_out else 1)


@pytest.mark.parametrize(
    ("bits", "slowed", "complaints"),
    [
        ("0", False, []),
        ("50000", False, ["under-voltage earlier", "throttled earlier"]),
        ("8", True, ["soft temperature limit"]),
        ("20002", True, ["frequency capped"]),
        ("nonsense", False, []),
    ],
)
def test_only_what_is_so_now_slows(
    tmp_path: Path, bits: str, slowed: bool, complaints: list[str]
) -> None:
    """What was since the start is told and changes nothing."""
    name = "sys/devices/platform/soc/soc:firmware/get_throttled"
    found = read_health(None, tree(tmp_path, {name: bits}))
    assert (found.slowed, found.complaints()) == (slowed, complaints)


def test_an_empty_tree_says_nothing(tmp_path: Path) -> None:
    """On a machine without any of it there is no error."""
    assert read_health(1, tmp_path) == Health()


def test_this_machine_can_be_read() -> None:
    """At least a process's own memory."""
    own = read_health(os.getpid()).rss_mb
    assert own is not None and own > 5
