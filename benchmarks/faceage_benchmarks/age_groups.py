"""Figures of an accuracy result by band of age, by gender and by ethnicity.

A group of mostly young faces has a small error whoever is in it, because errors grow with age. So
beside a group's own mean error stands the age-standardised one (direct standardisation, as in
epidemiology): the group's mean in each band, weighted by the whole set's share of that band.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceage_benchmarks.age_bands import Rows, age_band, mean_with_interval, rows_by_name
from faceage_benchmarks.age_intervals import has_interval
from faceage_calibration.banded import weighted_bands, weighted_interval
from faceage_calibration.stats import Floats, share_interval

__all__ = ["ATTRIBUTES", "FEWEST", "band_figures", "group_figures"]

ATTRIBUTES = ("gender", "ethnicity")
# Groups smaller than this are listed and not compared.
FEWEST = 100


def band_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures of each band of age that has a face: decades, and one band 70+.

    Args:
        samples: of exact ages; see age_figures.
        bootstrap: from result.bootstrap_settings.

    Returns:
        A band each: `band`, `n`, `mae` and `signed_error` in years; with a second model
        `delta_mae` (the model's absolute error minus the second's, face by face), with an
        interval `coverage` (a share of the faces that have one; its interval is Wilson's, see
        stats.share_interval) and `width` (mean, years). Intervals end in `_ci95`, null where one
        face shows no spread.
    """
    true, predicted = (np.asarray(samples[key], np.float64) for key in ("true", "predicted"))
    columns = {"mae": np.abs(predicted - true), "signed_error": predicted - true}
    if "against_predicted" in samples:
        theirs = np.abs(np.asarray(samples["against_predicted"], np.float64) - true)
        columns["delta_mae"] = columns["mae"] - theirs
    stated = has_interval(samples)
    figures = []
    for band, rows in rows_by_name([age_band(age) for age in true]):
        figures.append({"band": band, "n": int(rows.sum())} | _means(columns, rows, bootstrap))
        if (told := rows & stated).any():
            low, high = (np.asarray(samples[key], np.float64)[told] for key in ("low", "high"))
            held = (true[told] >= low) & (true[told] <= high)
            figures[-1] |= {
                "coverage": float(held.mean()),
                "coverage_ci95": list(
                    share_interval(int(held.sum()), held.size, confidence=bootstrap["confidence"])
                ),
                "width": float((high - low).mean()),
            }
    return figures


def group_figures(
    key: str,
    columns: Mapping[str, Floats],
    bands: Sequence[str],
    samples: Mapping[str, Any],
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the figures by gender and by ethnicity, where the samples have those labels.

    Args:
        key: the error that is standardised and compared, "mae" or "outside_bin"; one of the
            columns.
        columns: what is averaged in a group, each (n,) in years.
        bands: of age, one a face, (n,).
        samples: may hold `gender` and `ethnicity`: n texts, None where a face has no label.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `by_gender` and `by_ethnicity`, each with

        unlabelled      how many faces are in no group
        groups          a group each: `group`, `n`, the columns' means with `_ci95`,
                        `{key}_standardised` with `_ci95` (None below FEWEST faces), and
                        `bands_missing`: bands of the set in which the group has no face. Those
                        are left out and the other weights scaled up to one, as in each resample.
        max_minus_min   of `key` and `{key}_standardised` in years, over the groups of at least
                        FEWEST faces; None when there are not two of them
    """
    figures = {}
    for attribute in ATTRIBUTES:
        labels = samples.get(attribute, ())
        if any(label is not None for label in labels):
            named = [label or "" for label in labels]
            figures[f"by_{attribute}"] = _attribute(key, columns, bands, named, bootstrap)
    return figures


def _attribute(
    key: str,
    columns: Mapping[str, Floats],
    bands: Sequence[str],
    labels: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    groups: list[dict[str, Any]] = [
        {"group": name, "n": int(rows.sum())}
        | _means(columns, rows, bootstrap)
        | _standardised(key, columns[key], bands, rows, bootstrap)
        for name, rows in rows_by_name(labels, by=str)
        if name
    ]
    large = [group for group in groups if group["n"] >= FEWEST]
    compared: dict[str, float | None] = {}
    for name in (key, f"{key}_standardised"):
        values = [group[name] for group in large]
        compared[name] = max(values) - min(values) if len(values) > 1 else None
    return {"unlabelled": labels.count(""), "groups": groups, "max_minus_min": compared}


def _means(
    columns: Mapping[str, Floats], rows: Rows, bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, values in columns.items():
        figures[name], figures[f"{name}_ci95"] = mean_with_interval(values[rows], bootstrap)
    return figures


def _standardised(
    key: str, values: Floats, bands: Sequence[str], rows: Rows, bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    name = f"{key}_standardised"
    ordered = rows_by_name(bands)
    missing = [band for band, inside in ordered if not (inside & rows).any()]
    figures: dict[str, Any] = {name: None, f"{name}_ci95": None, "bands_missing": missing}
    if rows.sum() < FEWEST:
        return figures
    number = np.zeros(len(bands), dtype=np.int64)
    for index, (_, inside) in enumerate(ordered):
        number[inside] = index
    weights = np.asarray([inside.mean() for _, inside in ordered])
    figures[name] = weighted_bands(values[rows], number[rows], weights)
    figures[f"{name}_ci95"] = list(
        weighted_interval(
            values[rows],
            number[rows],
            weights,
            seed=bootstrap["seed"],
            resamples=bootstrap["resamples"],
            confidence=bootstrap["confidence"],
        )
    )
    return figures
