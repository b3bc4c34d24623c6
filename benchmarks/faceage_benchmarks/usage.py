"""What a process and those it started use: CPU seconds and resident memory, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

from faceage_edge.errors import FaceageError

__all__ = ["Usage", "usage_of"]

# Fields of /proc/PID/stat behind the name in brackets (proc(5)): ppid, utime, stime, cutime,
# cstime and rss, counted from the state, which is the first.
_PARENT, _USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM, _RSS = 1, 11, 12, 13, 14, 21


@dataclass(frozen=True)
class Usage:
    """CPU seconds so far, and bytes resident now, of a process and all below it.

    Pages that several of them share count in each.
    """

    cpu_s: float
    rss_bytes: int


def usage_of(pid: int, proc: Path = Path("/proc")) -> Usage | None:
    """Return what a process and its descendants use, or None when it is gone.

    Args:
        pid: of the first process.
        proc: where the system describes processes; a test gives a tree of its own.

    Raises:
        FaceageError: the system has no such description.
    """
    if not (proc / "self").exists() and proc == Path("/proc"):
        raise FaceageError("this system has no /proc; the loop is measured on Linux")
    stats = _all_stats(proc)
    if pid not in stats:
        return None
    ticks, pages = 0, 0
    for member in _family(pid, stats):
        fields = stats[member]
        ticks += sum(fields[key] for key in (_USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM))
        pages += fields[_RSS]
    return Usage(
        cpu_s=round(ticks / os.sysconf("SC_CLK_TCK"), 3),
        rss_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
    )


def _all_stats(proc: Path) -> dict[int, list[int]]:
    stats = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        # The name may hold blanks and brackets, so the last bracket ends it.
        words = text.rpartition(")")[2].split()
        stats[int(entry.name)] = [0, *(int(word) for word in words[1:])]
    return stats


def _family(pid: int, stats: dict[int, list[int]]) -> list[int]:
    family = [pid]
    for member in family:
        family += [other for other, fields in stats.items() if fields[_PARENT] == member]
    return family
