"""From the samples of a peers result to its figures: each against the first, pair by pair."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceage_calibration.stats import (
    mean_interval,
    median_ratio,
    median_ratio_interval,
    quantile,
    quantile_interval,
)

__all__ = ["peer_figures"]

_QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}


def peer_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a peers result.

    Args:
        samples: `what`: {name: words}; of whole pipelines, which took turns frame by frame, `load`
            (which load of the models a round is from), `ms` ({name: of each round}) and `faces`
            ({name: found in each frame it was given, the warm-up's too});
            of age models `true` (years) and `predicted` ({name: years of the same faces}).
        bootstrap: from result.bootstrap_settings.

    Returns:
        `peers`: objects with `name` and `what`; pipelines with times, `ratio` to the first one's
        and `faces_per_frame`; age models with `mae`, `delta_mae` to the first one's and `n`.
    """
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    what = samples["what"]
    peers = [
        {"name": name, "what": what[name]} | _times(name, samples, drawing)
        for name in samples["ms"]
    ]
    peers += [
        {"name": name, "what": what[name]} | _errors(name, samples, drawing)
        for name in samples["predicted"]
    ]
    return {"peers": peers}


def _times(name: str, samples: Mapping[str, Any], drawing: Mapping[str, Any]) -> dict[str, Any]:
    ms = samples["ms"][name]
    first = next(iter(samples["ms"].values()))
    groups = samples["load"]
    figures: dict[str, Any] = {
        "n": len(ms),
        "faces_per_frame": float(np.mean(samples["faces"][name])),
        "ratio": median_ratio(ms, first),
        "ratio_ci95": list(median_ratio_interval(ms, first, groups=groups, **drawing)),
    }
    for key, share in _QUANTILES.items():
        figures[key] = quantile(ms, share)
        figures[f"{key}_ci95"] = list(quantile_interval(ms, share, groups=groups, **drawing))
    return figures


def _errors(name: str, samples: Mapping[str, Any], drawing: Mapping[str, Any]) -> dict[str, Any]:
    true = np.asarray(samples["true"])
    first = next(iter(samples["predicted"].values()))
    error, base = (np.abs(np.asarray(one) - true) for one in (samples["predicted"][name], first))
    return {
        "n": int(error.size),
        "mae": float(error.mean()),
        "mae_ci95": list(mean_interval(error, **drawing)),
        "delta_mae": float((error - base).mean()),
        "delta_mae_ci95": list(mean_interval(error - base, **drawing)),
    }
