"""Commands that run another one before a disk of its own, in a namespace of mounts."""

import subprocess
from pathlib import Path

import pytest

__all__ = ["full_disk", "read_only", "throttled_board"]

_UNSHARE = ("unshare", "--mount", "sh", "-ec")


def full_disk(folder: Path, free_pages: int) -> tuple[str, ...]:
    """A folder becomes a disk that has room for so many pages of 4 KiB; what was in it is hidden.

    Skips the test where this user or machine cannot mount.
    """
    _needs_mounts()
    script = (
        'mount -t tmpfs -o size=64k none "$0"; cd "$0"; '
        f"dd if=/dev/zero of=filling bs=4k count={16 - free_pages} status=none; cd /; "
        'exec "$@"'
    )
    return (*_UNSHARE, script, str(folder))


def read_only() -> tuple[str, ...]:
    """All that is mounted, but /proc, /sys and /dev, can only be read.

    Skips the test where this user or machine cannot mount.
    """
    _needs_mounts()
    script = (
        "awk '{print $5}' /proc/self/mountinfo | grep -Ev '^/(proc|sys|dev)(/|$)' | "
        'while read -r at; do mount -o remount,bind,ro "$at"; done; '
        'if touch "$0/probe" 2>/dev/null; then echo "$0 can be written" >&2; exit 9; fi; '
        'exec "$@"'
    )
    return (*_UNSHARE, script, "/tmp")


def throttled_board(flags: str, millidegrees: int) -> tuple[str, ...]:
    """What a Raspberry Pi's firmware and sensor say stands where the kernel shows it.

    Skips the test where this user or machine cannot mount.
    """
    _needs_mounts()
    script = (
        "mount -t tmpfs none /sys/devices/platform; mount -t tmpfs none /sys/class; "
        "mkdir -p /sys/devices/platform/soc/soc:firmware /sys/class/thermal/thermal_zone0; "
        'echo "$0" > /sys/devices/platform/soc/soc:firmware/get_throttled; '
        f"echo {millidegrees} > /sys/class/thermal/thermal_zone0/temp; "
        'exec "$@"'
    )
    return (*_UNSHARE, script, flags)


def _needs_mounts() -> None:
    probe = [*_UNSHARE, "mount -t tmpfs none /mnt"]
    try:
        done = subprocess.run(probe, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (apt install util-linux)")
    if done.returncode:
        pytest.skip("needs root, and a machine that lets it mount")
