"""Figures of ages and bins against values worked out by hand."""

from typing import Any

import numpy as np
import pytest

from faceage_benchmarks.age_bands import band_of
from faceage_benchmarks.age_figures import age_figures, outside_years
from faceage_benchmarks.result import bootstrap_settings
from faceage_calibration.errors import SamplesError
from faceage_calibration.labels import AgeBin

SETTINGS = bootstrap_settings("faces")

OUTSIDE = [
    # bin, prediction, years outside, note
    ([20.0, 30.0], 25.0, 0.0, "inside"),
    ([20.0, 30.0], 20.0, 0.0, "the lower bound belongs to the bin"),
    ([20.0, 30.0], 29.999, 0.0, "29 years old until the birthday"),
    ([20.0, 30.0], 30.0, 0.0, "the upper bound is no distance away"),
    ([20.0, 30.0], 33.5, 3.5, "above"),
    ([20.0, 30.0], 12.0, 8.0, "below"),
    ([70.0, None], 110.0, 0.0, "an open bin has no upper bound"),
    ([70.0, None], 69.0, 1.0, "but a lower one"),
    ([0.0, 3.0], 0.0, 0.0, "newborn"),
]


@pytest.mark.parametrize(("bounds", "predicted", "expected", "note"), OUTSIDE)
def test_years_outside_a_bin(
    bounds: list[float | None], predicted: float, expected: float, note: str
) -> None:
    """The distance from a bin is 0 inside it, and that which the labels themselves compute."""
    assert outside_years([bounds], np.array([predicted])) == pytest.approx([expected]), note
    high = float("inf") if bounds[1] is None else bounds[1]
    assert bounds[0] is not None
    assert AgeBin(bounds[0], high).distance(predicted) == pytest.approx(expected), note


def test_bins_by_hand(binned_samples: dict[str, Any]) -> None:
    """Errors 0, 1, 10 and 0 years: mean 2.75, two of four in their bin."""
    figures = age_figures(binned_samples, SETTINGS)
    assert figures["outside_bin"] == pytest.approx(11 / 4)
    assert figures["outside_bin_found"] == pytest.approx(1 / 3)
    assert figures["bin_accuracy"] == 0.5
    assert (figures["n"], figures["missed"], figures["missed_share"]) == (4, 1, 0.25)
    assert "mae" not in figures
    assert [(band["bin"], band["n"], band["outside_bin"]) for band in figures["per_bin"]] == [
        ("[0, 3)", 1, 0.0),
        ("[20, 30)", 2, 0.5),
        ("70+", 1, 10.0),
    ]


def test_the_upper_bound_is_not_in_the_bin(binned_samples: dict[str, Any]) -> None:
    """A prediction of 30.0 is not 20 to 29, though no distance away."""
    samples = binned_samples | {"predicted": [30.0, 30.0, 70.0, 2.9]}
    figures = age_figures(samples, SETTINGS)
    assert (figures["outside_bin"], figures["bin_accuracy"]) == (0.0, 0.5)


BANDS = [(0.0, "0-9"), (9.99, "0-9"), (10.0, "10-19"), (29.5, "20-29"), (116.0, "110-119")]


@pytest.mark.parametrize(("years", "band"), BANDS)
def test_decades(years: float, band: str) -> None:
    """A decade goes from a multiple of ten to the tenth birthday after it."""
    assert band_of(years) == band


def _exact(true: list[float], predicted: list[float], **more: Any) -> dict[str, Any]:
    return {"unit": "years", "true": true, "predicted": predicted} | more


def test_decades_are_in_order_and_complete() -> None:
    """Every face is in one decade; 100 comes after 90, not after 10."""
    true = [100.0, 5.0, 95.0, 15.0, 7.0]
    samples = _exact(true, [90.0, 6.0, 99.0, 15.0, 4.0], found=[True] * 5)
    bands = age_figures(samples, SETTINGS)["per_decade"]
    assert [(b["band"], b["n"], b["mae"], b["signed_error"]) for b in bands] == [
        ("0-9", 2, 2.0, -1.0),
        ("10-19", 1, 0.0, 0.0),
        ("90-99", 1, 4.0, 4.0),
        ("100-109", 1, 10.0, -10.0),
    ]
    assert [b["mae_ci95"] is None for b in bands] == [False, True, True, True]


def test_all_missed_leaves_no_mae_of_found_faces() -> None:
    """A detector that finds nobody has no error of found faces, and the file still has a mae."""
    figures = age_figures(_exact([30.0, 40.0], [31.0, 40.0], found=[False, False]), SETTINGS)
    assert figures["mae_found"] is None
    assert (figures["mae"], figures["missed"]) == (0.5, 2)


def test_exactly_five_years_are_close() -> None:
    """cs5 counts errors up to and including five years."""
    samples = _exact([30.0] * 4, [35.0, 25.0, 35.001, 30.0], found=[True] * 4)
    assert age_figures(samples, SETTINGS)["cs5"] == 0.75


def test_interval_by_hand() -> None:
    """Bounds belong to the interval; the width is the mean."""
    samples = _exact(
        [30.0, 30.0, 30.0],
        [30.0, 35.0, 25.0],
        found=[True] * 3,
        low=[30.0, 31.0, 20.0],
        high=[34.0, 39.0, 30.0],
    )
    figures = age_figures(samples, SETTINGS)
    assert figures["interval_coverage"] == pytest.approx(2 / 3)
    assert figures["interval_width"] == pytest.approx((4 + 8 + 10) / 3)


def test_faces_of_the_interval_count_for_the_errors_alone() -> None:
    """Of the face that the interval was fitted on the error counts, the interval does not."""
    ends = {"low": [30.0, None, 20.0], "high": [34.0, None, 30.0]}
    true, predicted = [30.0, 30.0, 40.0], [30.0, 36.0, 25.0]
    figures = age_figures(_exact(true, predicted, found=[True] * 3, nominal=0.9, **ends), SETTINGS)
    assert (figures["n"], figures["mae"]) == (3, 7.0)
    assert (figures["interval_coverage"], figures["interval_width"]) == (0.5, 7.0)
    assert (figures["intervals"]["n"], figures["intervals"]["coverage"]) == (2, 0.5)
    thirties, forties = figures["per_band"]
    assert (thirties["n"], thirties["coverage"], thirties["width"]) == (2, 1.0, 4.0)
    assert (forties["n"], forties["coverage"], forties["width"]) == (1, 0.0, 10.0)


def test_no_face_left_to_judge_the_interval_on() -> None:
    """Where all faces served the interval, nothing is said of it."""
    nothing: list[None] = [None, None]
    samples = _exact([30.0, 40.0], [31.0, 41.0], found=[True] * 2, low=nothing, high=nothing)
    figures = age_figures(samples | {"nominal": 0.9}, SETTINGS)
    assert figures["mae"] == 1.0
    assert not {"intervals", "interval_coverage", "reliability"} & set(figures)
    assert all("coverage" not in band for band in figures["per_band"])


def test_paired_differences_by_hand() -> None:
    """Errors 1, 2, 3 against 2, 2, 1: on average 1/3 worse, at most 4 years apart."""
    samples = _exact(
        [30.0, 40.0, 45.0],
        [31.0, 38.0, 48.0],
        found=[True] * 3,
        against_predicted=[32.0, 42.0, 46.0],
    )
    figures = age_figures(samples, SETTINGS)
    assert figures["delta_mae"] == pytest.approx(1 / 3)
    assert figures["max_abs_difference"] == 4.0
    assert figures["mean_abs_difference"] == pytest.approx(7 / 3)
    assert [(b["band"], b["delta_mae"]) for b in figures["delta_per_decade"]] == [
        ("30-39", -1.0),
        ("40-49", 1.0),
    ]
    assert figures["against_figures"]["mae"] == pytest.approx(5 / 3)


def test_the_paired_interval_is_that_of_the_differences(exact_samples: dict[str, Any]) -> None:
    """Two models that nearly agree: the paired interval is far narrower than either model's."""
    figures = age_figures(exact_samples, SETTINGS)
    paired = figures["delta_mae_ci95"][1] - figures["delta_mae_ci95"][0]
    own = figures["mae_ci95"][1] - figures["mae_ci95"][0]
    assert paired < own / 3


FAULTY = [
    # changed keys, part of the message, note
    ({"found": []}, "no faces", "an empty set"),
    ({"true": [30.0]}, "'true'", "labels for one face of two"),
    ({"against_predicted": [1.0, 2.0, 3.0]}, "'against_predicted'", "another set's predictions"),
    ({"predicted": [30.0, float("nan")]}, "not a finite number", "a model that returned NaN"),
]


@pytest.mark.parametrize(("change", "message", "note"), FAULTY)
def test_faulty_samples(change: dict[str, Any], message: str, note: str) -> None:
    """Samples that do not fit together give no figures."""
    samples = _exact([30.0, 40.0], [31.0, 40.0], found=[True, True]) | change
    with pytest.raises(SamplesError) as caught:
        age_figures(samples, SETTINGS)
    assert message in str(caught.value), note
