"""From the samples of a latency result to its figures.

Every sample counts: nothing is dropped as an outlier, samples of two models never share a list,
and quantiles sort what they are given.
"""

from collections.abc import Mapping
from typing import Any

from faceage_benchmarks.age_figures import age_figures
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import (
    median_ratio,
    median_ratio_interval,
    quantile,
    quantile_interval,
)

__all__ = ["latency_figures"]

_QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
_RATIO_IS = "median time of --model / median time of --against; below 1: --model is faster"


def latency_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a latency result.

    Args:
        samples: `ms` (n milliseconds in the order measured), `load` (n integers: which load of
            the model each is from), `load_ms` and `first_run_ms` (one for each load); where two
            models were measured also `against_ms`, `against_load_ms`, `against_first_run_ms`;
            where ages were measured beside, `accuracy`: the samples of an accuracy result.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `n`, `loads`, each quantile with its interval, `cold_start`; with two models `ratio`,
        `ratio_ci95`, `ratio_is` and the other's `against_figures` and `against_cold_start`; the
        figures of an accuracy result as `accuracy`.

    Raises:
        SamplesError: no samples, fewer than two loads, or unequal numbers of the two.
    """
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    drawing["groups"] = samples["load"]
    _check_lengths(samples)
    figures = _quantiles(samples["ms"], drawing) | {
        "loads": len(samples["load_ms"]),
        "cold_start": _cold_start(samples, ""),
    }
    if "accuracy" in samples:
        figures["accuracy"] = age_figures(samples["accuracy"], bootstrap)
    if "against_ms" not in samples:
        return figures
    ours, theirs = samples["ms"], samples["against_ms"]
    return figures | {
        "ratio": median_ratio(ours, theirs),
        "ratio_ci95": list(median_ratio_interval(ours, theirs, **drawing)),
        "ratio_is": _RATIO_IS,
        "against_figures": _quantiles(theirs, drawing),
        "against_cold_start": _cold_start(samples, "against_"),
    }


def _quantiles(ms: list[float], drawing: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": len(ms)}
    for key, share in _QUANTILES.items():
        figures[key] = quantile(ms, share)
        figures[f"{key}_ci95"] = list(quantile_interval(ms, share, **drawing))
    return figures


def _cold_start(samples: Mapping[str, Any], whose: str) -> dict[str, float]:
    return {key: quantile(samples[f"{whose}{key}"], 0.5) for key in ("load_ms", "first_run_ms")}


def _check_lengths(samples: Mapping[str, Any]) -> None:
    n = len(samples["ms"])
    for key in ("load", "against_ms"):
        if key in samples and len(samples[key]) != n:
            raise SamplesError(f"{n} samples of 'ms' and {len(samples[key])} of {key!r}")
