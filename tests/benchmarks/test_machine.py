"""The machine's description, read from made-up trees of /proc and /sys."""

import os
from pathlib import Path

import pytest

from faceage_benchmarks.machine import describe_machine, note_after, throttle_flags

CPU0 = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write a tree of small files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_raspberry_pi(tmp_path: Path) -> None:
    """A Pi names its board in the device tree and has a governor and throttle flags."""
    root = write(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/cpuinfo": "model name : something else\n",
            "proc/loadavg": "0.50 0.40 0.30 1/100 999\n",
            CPU0: "ondemand\n",
            THROTTLED: "50005\n",
        },
    )
    machine = describe_machine(root)
    assert machine["model"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert machine["governor"] == "ondemand"
    assert machine["throttled"] == {"before": "0x50005", "after": None}
    assert machine["load_average"] == {"before": 0.5, "after": None}
    write(root, {THROTTLED: "0\n", "proc/loadavg": "1.25 1 1 1/1 1\n"})
    note_after(machine, root)
    assert machine["throttled"] == {"before": "0x50005", "after": "0x0"}
    assert machine["load_average"] == {"before": 0.5, "after": 1.25}


def test_seconds_of_the_processor(tmp_path: Path) -> None:
    """Busy is all but idle and waiting for a disk; a hypervisor's share is apart."""
    files = {
        "proc/stat": "cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n",
        "proc/meminfo": "MemTotal:        1000 kB\nMemFree: 5 kB\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
    }
    machine = describe_machine(write(tmp_path, files))
    cpu = machine["cpu"]["before"]
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert cpu["busy_s"] == pytest.approx((100 + 20 + 30 + 6 + 7) * tick)
    assert cpu["steal_s"] == pytest.approx(80 * tick)
    assert cpu["own_s"] > 0
    assert machine["memory_bytes"] == 1_024_000
    assert machine["clock_mhz"]["before"] == 1800.0
    assert machine["temperature_c"]["before"] == 48.3


def test_personal_computer(tmp_path: Path) -> None:
    """Without a device tree the processor's name is the model; what is absent is None."""
    root = write(tmp_path, {"proc/cpuinfo": "processor : 0\nmodel name : Some CPU @ 2 GHz\n"})
    machine = describe_machine(root)
    assert machine["model"] == "Some CPU @ 2 GHz"
    assert (machine["governor"], machine["throttled"]["before"]) == (None, None)
    assert machine["load_average"]["before"] is None
    assert machine["cpu"]["before"] is machine["clock_mhz"]["before"] is None


def test_this_machine() -> None:
    """Here there are cores, and versions of what the device needs."""
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert all(machine["versions"][name] for name in ("python", "numpy", "cv2", "litert"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", "0x0"), ("throttled=0x50000", "0x50000"), ("f000d", "0xf000d"), ("what", None)],
)
def test_forms_of_the_flags(tmp_path: Path, text: str, expected: str | None) -> None:
    """Firmware writes bare hexadecimal, vcgencmd a name before it."""
    assert throttle_flags(write(tmp_path, {THROTTLED: text})) == expected
