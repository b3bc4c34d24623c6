"""From the samples of an accuracy result to its figures.

Samples are the file's own JSON lists, already rounded, so that the figures can be computed again
from the file. Errors are predicted minus true, in years.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.age_bands import (
    age_band,
    band_of,
    interval_of,
    mean_with_interval,
    rows_by_name,
)
from faceage_benchmarks.age_groups import ATTRIBUTES, band_figures, group_figures
from faceage_benchmarks.age_intervals import interval_figures, with_interval
from faceage_benchmarks.gender_scores import gender_score_figures
from faceage_benchmarks.group_scores import group_score_figures
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import Floats

__all__ = ["age_figures", "outside_years"]

# "cs5" of the literature: the share of faces within this many years.
_CLOSE_YEARS = 5.0


def age_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of an accuracy result.

    Args:
        samples: `unit` ("years" or "bins"), `true` (n years, or n pairs [low, high) with high
            None when open), `predicted` (n years), `found` (n bool), and where they exist `low`
            and `high` (n years, the model's interval; None of faces that it was fitted on, which
            count for the errors alone), `nominal` (the share that this interval
            claims to hold), `against_predicted` (n years, the other model on the same crops),
            those of group_scores where the model says age groups, of gender_scores where gender,
            `gender` and `ethnicity` (n texts or None). Files of before there were the last two
            and `nominal` have no figures of them.
        bootstrap: from result.bootstrap_settings.

    Returns:
        The keys of the result file: `n`, `missed`, `missed_share`, then those of exact ages or
        of bins; those of age_groups, age_intervals, group_scores and gender_scores; with a second
        model the paired differences and its own `against_figures`.

    Raises:
        SamplesError: no samples, lists of unequal length, numbers that are not finite.
    """
    found = np.asarray(samples["found"], dtype=bool)
    _check_lengths(samples, found.size)
    own = _unit_figures(samples, samples["predicted"], found, bootstrap)
    figures: dict[str, Any] = {
        "n": int(found.size),
        "missed": int((~found).sum()),
        "missed_share": float((~found).mean()),
        **own,
    }
    if samples["unit"] == "years":
        figures["per_band"] = band_figures(samples, bootstrap)
        if stated := with_interval(samples):
            figures |= _interval_figures(stated)
            if "nominal" in samples:
                figures |= interval_figures(stated, bootstrap)
    figures |= _group_figures(samples, bootstrap)
    figures |= group_score_figures(samples, bootstrap)
    figures |= gender_score_figures(samples, bootstrap)
    if "against_predicted" in samples:
        figures |= _differences(samples, bootstrap)
        figures["against_figures"] = _unit_figures(
            samples, samples["against_predicted"], found, bootstrap
        )
    return figures


def outside_years(true: list[list[float | None]], predicted: Floats) -> Floats:
    """Return how many years each prediction lies outside its bin, 0 inside.

    Args:
        true: n pairs [low, high) in years, high None when the bin is open.
        predicted: (n,) years.
    """
    low, high = _bounds(true)
    return np.maximum(low - predicted, 0) + np.maximum(predicted - high, 0)


def _unit_figures(
    samples: Mapping[str, Any],
    predicted: list[float],
    found: NDArray[np.bool_],
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    years = np.asarray(predicted, dtype=np.float64)
    if samples["unit"] == "bins":
        return _bin_figures(samples["true"], years, found, bootstrap)
    return _exact_figures(np.asarray(samples["true"], dtype=np.float64), years, found, bootstrap)


def _exact_figures(
    true: Floats, predicted: Floats, found: NDArray[np.bool_], bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    error = predicted - true
    size = np.abs(error)
    decades = rows_by_name([band_of(age) for age in true])
    return {
        "mae": float(size.mean()),
        "mae_ci95": list(interval_of(size, bootstrap)),
        "mae_found": float(size[found].mean()) if found.any() else None,
        "signed_error": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "cs5": float((size <= _CLOSE_YEARS).mean()),
        "per_decade": [
            _band("mae", band, size[rows], bootstrap) | {"signed_error": float(error[rows].mean())}
            for band, rows in decades
        ],
    }


def _bin_figures(
    true: list[list[float | None]],
    predicted: Floats,
    found: NDArray[np.bool_],
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    outside = outside_years(true, predicted)
    low, high = _bounds(true)
    inside = (predicted >= low) & (predicted < high)
    bins = rows_by_name([_bin_name(pair) for pair in true])
    return {
        "outside_bin": float(outside.mean()),
        "outside_bin_ci95": list(interval_of(outside, bootstrap)),
        "outside_bin_found": float(outside[found].mean()) if found.any() else None,
        "bin_accuracy": float(inside.mean()),
        "per_bin": [
            _band("outside_bin", name, outside[rows], bootstrap, label="bin")
            | {"bin_accuracy": float(inside[rows].mean())}
            for name, rows in bins
        ],
    }


def _group_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    predicted = np.asarray(samples["predicted"], dtype=np.float64)
    if samples["unit"] == "bins":
        columns = {"outside_bin": outside_years(samples["true"], predicted)}
        bins = [_bin_name(pair) for pair in samples["true"]]
        return group_figures("outside_bin", columns, bins, samples, bootstrap)
    error = predicted - np.asarray(samples["true"], dtype=np.float64)
    columns = {"mae": np.abs(error), "signed_error": error}
    bands = [age_band(age) for age in samples["true"]]
    return group_figures("mae", columns, bands, samples, bootstrap)


def _interval_figures(samples: Mapping[str, Any]) -> dict[str, Any]:
    true, low, high = (np.asarray(samples[key], np.float64) for key in ("true", "low", "high"))
    return {
        "interval_coverage": float(((true >= low) & (true <= high)).mean()),
        "interval_width": float((high - low).mean()),
    }


def _differences(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two models face by face: the pairing is what makes the interval narrow."""
    ours, theirs = (np.asarray(samples[key]) for key in ("predicted", "against_predicted"))
    apart = {
        "max_abs_difference": float(np.abs(ours - theirs).max()),
        "mean_abs_difference": float(np.abs(ours - theirs).mean()),
    }
    if samples["unit"] == "bins":
        change = outside_years(samples["true"], ours) - outside_years(samples["true"], theirs)
        return _delta("delta_outside_bin", change, bootstrap) | apart
    true = np.asarray(samples["true"], dtype=np.float64)
    change = np.abs(ours - true) - np.abs(theirs - true)
    decades = rows_by_name([band_of(age) for age in true])
    per_decade = [_band("delta_mae", band, change[rows], bootstrap) for band, rows in decades]
    return _delta("delta_mae", change, bootstrap) | {"delta_per_decade": per_decade} | apart


def _delta(key: str, change: Floats, bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float(change.mean()), f"{key}_ci95": list(interval_of(change, bootstrap))}


def _band(
    key: str, name: str, values: Floats, bootstrap: Mapping[str, Any], label: str = "band"
) -> dict[str, Any]:
    mean, interval = mean_with_interval(values, bootstrap)
    return {label: name, "n": int(values.size), key: mean, f"{key}_ci95": interval}


def _bounds(true: list[list[float | None]]) -> tuple[Floats, Floats]:
    low = np.asarray([pair[0] for pair in true], dtype=np.float64)
    high = np.asarray([np.inf if pair[1] is None else pair[1] for pair in true], dtype=np.float64)
    return low, high


def _bin_name(pair: list[float | None]) -> str:
    low, high = pair
    return f"{low:g}+" if high is None else f"[{low:g}, {high:g})"


def _check_lengths(samples: Mapping[str, Any], n: int) -> None:
    if n == 0:
        raise SamplesError("no faces were measured; give a set with at least one labelled face")
    told = ("predicted", "group_shares", "gender_told")
    against = (f"against_{key}" for key in told)
    for key in ("true", "low", "high", *told, *against, *ATTRIBUTES):
        if key in samples and len(samples[key]) != n:
            raise SamplesError(f"{len(samples[key])} samples of {key!r} for {n} faces")
