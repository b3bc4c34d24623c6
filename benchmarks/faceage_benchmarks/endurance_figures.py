"""From the slices of a long run, and from its faults, to the figures of an endurance result."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceage_calibration.errors import SamplesError

__all__ = ["NO_FRAMES", "endurance_figures"]

# The fault in which the frames stop for a while, which no loop could answer.
NO_FRAMES = "no frames"
# Of the run: what a worker holds at its start and at its end.
_SHARE = 10


def endurance_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of an endurance result.

    Args:
        samples: from endurance_samples.endurance_samples.
        _bootstrap: as the result file states it; unused: a run is one sample.

    Returns:
        `frames` with a result, `frames_fed`, `frames_lost`; `seconds` from the first result to the
        last, `frames_a_second`; `restarts`, `degraded_results`, `faults`; `longest_gap_s` between
        two results, and `longest_gap_after_s` by fault, the pause of the frames itself taken off;
        of the worker `rss_mb`, `descriptors` and `worker_threads`: the mean of the first and of
        the last tenth of the slices (`start`, `end`), and the `most`.

    Raises:
        SamplesError: fewer than two results, or a worker of which nothing was read.
    """
    slices, faults = samples["slices"], samples["faults"]
    frames, seconds = sum(slices["results"]), slices["end_s"][-1]
    if frames < 2 or seconds <= 0:
        raise SamplesError(f"{frames} results in {seconds} s; keep the loop running for longer")
    return {
        "frames": frames,
        "frames_fed": samples["frames_fed"],
        "frames_lost": samples["frames_fed"] - frames,
        "seconds": seconds,
        "frames_a_second": frames / seconds,
        "restarts": slices["restarts"][-1],
        "degraded_results": sum(slices["degraded"]),
        "faults": len(faults["fault"]),
        "longest_gap_s": max(gap for gap in slices["longest_gap_s"] if gap is not None),
        "longest_gap_after_s": _gaps_after(faults, samples["pause_s"]),
        **{key: _course(slices[key], key) for key in ("rss_mb", "descriptors", "worker_threads")},
    }


def _gaps_after(faults: Mapping[str, Sequence[Any]], pause_s: float) -> dict[str, float]:
    longest: dict[str, float] = {}
    for name, gap in zip(faults["fault"], faults["gap_s"], strict=True):
        if gap is not None:
            own = gap - (pause_s if name == NO_FRAMES else 0.0)
            longest[name] = max(own, longest.get(name, own))
    return longest


def _course(values: Sequence[float | None], name: str) -> dict[str, float]:
    read = [value for value in values if value is not None]
    if not read:
        raise SamplesError(f"{name} of the worker was never read; keep the loop running for longer")
    tenth = max(len(read) // _SHARE, 1)
    start, end = read[:tenth], read[-tenth:]
    return {"start": sum(start) / tenth, "end": sum(end) / tenth, "most": max(read)}
