"""From what a camera loop printed and used to the figures of a loop result."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import quantile, quantile_interval

__all__ = ["loop_figures"]

_QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
_MINUTE_S = 60.0


def loop_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a loop result.

    Delays of frames that follow each other are alike, so the bootstrap draws seconds of the run.

    Args:
        samples: a result each, warm-up included: `frame` (its number in the source), `at_s` (when
            its line came, seconds since the first one's), `latency_ms` (capture to result, as the
            loop says) and `faces`; `warm_up_s`, of which nothing is counted; `first_result_s`
            since the process started; `usage`: `at_s`, `cpu_s` and `rss_bytes`, about once a
            second on the same clock.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `n`, `fps` of results, `rate_seen` of the frames that the source delivered, `drops` and
        `drop_share` of them, capture-to-result quantiles with intervals, `faces_per_frame`,
        `first_result_s`, and `minutes`: CPU seconds, largest resident set and results of each
        whole minute.

    Raises:
        SamplesError: less than two seconds behind the warm-up.
    """
    at = np.asarray(samples["at_s"], np.float64)
    kept = at >= samples["warm_up_s"]
    if kept.sum() < 2 or at[kept][-1] - at[kept][0] <= 1:
        raise SamplesError(
            f"{int(kept.sum())} results came behind the warm-up; let the loop run for longer"
        )
    at = at[kept]
    frames = np.asarray(samples["frame"])[kept]
    ms = np.asarray(samples["latency_ms"], np.float64)[kept]
    seconds, delivered = float(at[-1] - at[0]), int(frames[-1] - frames[0])
    drops = delivered - (frames.size - 1)
    figures: dict[str, Any] = {
        "n": int(frames.size),
        "fps": (frames.size - 1) / seconds,
        "rate_seen": delivered / seconds,
        "drops": drops,
        "drop_share": drops / delivered,
        "faces_per_frame": float(np.asarray(samples["faces"])[kept].mean()),
        "first_result_s": samples["first_result_s"],
    }
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    drawing["groups"] = (at - at[0]).astype(int)
    for key, share in _QUANTILES.items():
        figures[key] = quantile(ms, share)
        figures[f"{key}_ci95"] = list(quantile_interval(ms, share, **drawing))
    minutes = _minutes(samples, at)
    if not minutes:
        raise SamplesError(
            "processor and memory were read less than twice behind the warm-up; let the loop run "
            "for longer"
        )
    return figures | {"minutes": minutes}


def _minutes(samples: Mapping[str, Any], at: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Return each minute behind the warm-up; a run shorter than one is scaled up to it."""
    usage = {key: np.asarray(values) for key, values in samples["usage"].items()}
    begin, end = samples["warm_up_s"], float(usage["at_s"][-1])
    whole = max(int((end - begin + 1) // _MINUTE_S), 1)
    length = min(_MINUTE_S, end - begin)
    minutes = []
    for number in range(whole):
        first = begin + number * length
        inside = (usage["at_s"] >= first) & (usage["at_s"] <= first + length)
        if inside.sum() < 2:
            continue
        times, cpu = usage["at_s"][inside], usage["cpu_s"][inside]
        per_second = float(cpu[-1] - cpu[0]) / float(times[-1] - times[0])
        minutes.append(
            {
                "cpu_s": per_second * _MINUTE_S,
                "rss_bytes": int(usage["rss_bytes"][inside].max()),
                "results": int(((at >= first) & (at < first + length)).sum()),
            }
        )
    return minutes
