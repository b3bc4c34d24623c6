"""What is seen of a camera loop that is kept running, packed into a bounded number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reading", "Seen", "endurance_samples"]

# An hour or a day has as many rows as this; a short run has fewer, each with some readings in it.
_MOST_SLICES, _LEAST_SLICE_S = 120, 5.0
# Two seconds at the camera's pace: what a fault does to the results has begun by then.
_RESULTS_AFTER = 50


@dataclass(frozen=True)
class Reading:
    """What the worker held at a time of the monotonic clock, seconds."""

    at_s: float
    rss_mb: float
    descriptors: int
    worker_threads: int


@dataclass
class Seen:
    """What came of a run; times are seconds of the monotonic clock.

    `times`, `degraded` and `restarts` (so far) are of each result; `faults` have a time and a
    name; `fed` counts the frames that were handed over; `shut` says that more were not taken.
    """

    times: list[float] = field(default_factory=list)
    degraded: list[bool] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    fed: int = 0
    shut: bool = False


def endurance_samples(seen: Seen, *, pause_s: float) -> dict[str, Any]:
    """Return the samples of an endurance result.

    Args:
        seen: of a run with at least two results.
        pause_s: how long the frames stop at a fault that is named "no frames".

    Returns:
        `frames_fed`; `pause_s`; `slices` of the run, from the first result to the last: `end_s`
        (since the first result), `results` that came in it and how many of them `degraded`,
        `restarts` so far, `longest_gap_s` before one of its results (None where it has none), and
        the most that the worker held: `rss_mb`, `descriptors`, `worker_threads` (None where
        nothing was read); `faults`: `at_s` on the same clock, `fault`, and `gap_s`, the longest
        wait for a result among the fault and the fifty results behind it, None where fewer than
        two came.
    """
    first = seen.times[0]
    return {
        "frames_fed": seen.fed,
        "pause_s": pause_s,
        "slices": _slices(seen),
        "faults": {
            "at_s": [round(at - first, 2) for at, _ in seen.faults],
            "fault": [name for _, name in seen.faults],
            "gap_s": [_gap_after(seen.times, at) for at, _ in seen.faults],
        },
    }


def _slices(seen: Seen) -> dict[str, list[Any]]:
    at = np.asarray(seen.times) - seen.times[0]
    count = int(np.clip(at[-1] // _LEAST_SLICE_S, 1, _MOST_SLICES))
    ends = np.linspace(0, at[-1], count + 1)[1:]
    member = _member(at, ends)
    gaps = np.diff(at, prepend=at[0])
    read = np.asarray([reading.at_s for reading in seen.readings]) - seen.times[0]
    read_in = np.where((read >= 0) & (read <= at[-1]), _member(read, ends), -1)
    restarts = np.asarray(seen.restarts)
    degraded = np.asarray(seen.degraded)
    rows: dict[str, list[Any]] = {
        "end_s": [round(float(end), 2) for end in ends],
        "results": [int((member == index).sum()) for index in range(count)],
        "degraded": [int(degraded[member == index].sum()) for index in range(count)],
        "restarts": [int(restarts[member <= index][-1]) for index in range(count)],
        "longest_gap_s": [_most(gaps[member == index], 3) for index in range(count)],
    }
    for key, digits in (("rss_mb", 1), ("descriptors", 0), ("worker_threads", 0)):
        values = np.asarray([getattr(reading, key) for reading in seen.readings])
        most = [_most(values[read_in == index], digits) for index in range(count)]
        rows[key] = [value if digits or value is None else int(value) for value in most]
    return rows


def _member(at: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which slice each time lies in; the first result begins the first."""
    return np.minimum(np.searchsorted(ends, at, side="left"), len(ends) - 1)


def _most(values: NDArray[Any], digits: int) -> float | None:
    return round(float(values.max()), digits) if values.size else None


def _gap_after(times: Sequence[float], at: float) -> float | None:
    """Return the longest wait from a fault on; the first result may have been on its way."""
    begin = int(np.searchsorted(times, at, side="right"))
    later = np.asarray(times[begin : begin + _RESULTS_AFTER])
    return None if later.size < 2 else round(float(np.diff(later, prepend=at).max()), 3)
