"""From the results that a slow model let through to how old they were."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import quantile, quantile_interval

__all__ = ["freshness_figures"]

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def freshness_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a freshness result.

    Delays of frames that follow each other are alike, so the bootstrap draws seconds of the run.

    Args:
        samples: `camera_fps`; `frames_delivered` by the camera, and `drops`, as the loop's capture
            counted them; and of each result `frame` (its number), `at_s` (when it was there,
            since the first), `latency_ms` (capture to result, as the loop says) and `model_ms`
            (what its own model run took).
        bootstrap: from result.bootstrap_settings.

    Returns:
        `n` results, `camera_fps`, `frames_delivered`, `drops`, `unaccounted` (frames that are
        neither), and quantiles with intervals: `p50_ms` and so on from capture to result,
        `waited_p50_intervals` and so on of what a result took beyond its model run, in intervals
        between two frames of the camera, and `waited_most_intervals`.

    Raises:
        SamplesError: results of less than a second, or rows that do not fit together.
    """
    at = np.asarray(samples["at_s"], np.float64)
    taken, own = (np.asarray(samples[key], np.float64) for key in ("latency_ms", "model_ms"))
    if not at.size == taken.size == own.size == len(set(samples["frame"])):
        raise SamplesError("each result has a frame of its own, a time, a delay and a model time")
    if at.size < 2 or at[-1] - at[0] <= 1:
        raise SamplesError(f"{at.size} results in a second or less; let the loop run for longer")
    waited = (taken - own) * samples["camera_fps"] / 1000
    delivered, drops = samples["frames_delivered"], samples["drops"]
    figures: dict[str, Any] = {
        "n": int(at.size),
        "camera_fps": samples["camera_fps"],
        "frames_delivered": delivered,
        "drops": drops,
        "unaccounted": delivered - int(at.size) - drops,
    }
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    drawing["groups"] = (at - at[0]).astype(int)
    for name, share in _QUANTILES.items():
        for key, values in ((f"{name}_ms", taken), (f"waited_{name}_intervals", waited)):
            figures[key] = quantile(values, share)
            figures[f"{key}_ci95"] = list(quantile_interval(values, share, **drawing))
    return figures | {"waited_most_intervals": float(waited.max())}
