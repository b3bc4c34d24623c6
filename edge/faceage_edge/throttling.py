"""The Raspberry Pi firmware's throttle flags: the one place that reads them and names them.

Bits 0 to 3 say what is so now, the same 16 places up what was since the board was started
(https://www.raspberrypi.com/documentation/computers/os.html#get_throttled).
"""

import shutil
import subprocess
from pathlib import Path

__all__ = ["ask_firmware", "flag_names", "parse_flags", "read_flags", "since_start"]

_FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_NAMES = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
_SINCE = 16
# The firmware answers at once or not at all; a loop's supervisor waits for it.
_VCGENCMD_S = 2.0


def read_flags(root: Path = Path("/")) -> int | None:
    """Return the flags, or None where there is no such firmware or it answers otherwise.

    Args:
        root: where /sys is; another one in tests, which is all that is asked then.
    """
    text = ask_firmware(root)
    return None if text is None else parse_flags(text)


def ask_firmware(root: Path = Path("/")) -> str | None:
    """Return what the firmware answers, such as "50005" or "throttled=0x50000"; None without one.

    Args:
        root: as of `read_flags`.
    """
    try:
        return (root / _FILE).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return _ask_vcgencmd() if root == Path("/") else None


def parse_flags(text: str) -> int | None:
    """Return the flags that an answer states in hexadecimal, None where it states none."""
    try:
        return int(text.rpartition("=")[2], 16)
    except ValueError:
        return None


def flag_names(flags: int) -> list[str]:
    """Return in words what is so now; of what was earlier, see `since_start`.

    >>> flag_names(0x50001), flag_names(since_start(0x50001))
    (['under-voltage'], ['under-voltage', 'throttled'])
    """
    return [name for bit, name in enumerate(_NAMES) if flags >> bit & 1]


def since_start(flags: int) -> int:
    """Return the flags of what was so since the board was started, as if it were so now."""
    return flags >> _SINCE


def _ask_vcgencmd() -> str | None:
    """Where the kernel does not show it: `vcgencmd get_throttled` prints throttled=0x50000."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get_throttled"],
            capture_output=True, text=True, timeout=_VCGENCMD_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
