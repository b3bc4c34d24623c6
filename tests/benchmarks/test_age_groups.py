"""Figures by band of age and by label against values worked out by hand."""

from typing import Any

import pytest

from faceage_benchmarks.age_bands import age_band, band_start
from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.result import bootstrap_settings
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import mean_interval

SETTINGS = bootstrap_settings("faces")

BANDS = [(0.0, "0-9"), (9.9, "0-9"), (69.99, "60-69"), (70.0, "70+"), (116.0, "70+")]


@pytest.mark.parametrize(("years", "band"), BANDS)
def test_bands(years: float, band: str) -> None:
    """Decades up to 69, and one band from the seventieth birthday on."""
    assert age_band(years) == band
    assert band_start(band) <= years


def _samples(true: list[float], predicted: list[float], **more: Any) -> dict[str, Any]:
    found = [True] * len(true)
    return {"unit": "years", "true": true, "predicted": predicted, "found": found} | more


def test_bands_by_hand() -> None:
    """Every column of two bands, the oldest holding three decades."""
    samples = _samples(
        [25.0, 21.0, 70.0, 85.0, 95.0],
        [26.0, 18.0, 66.0, 85.0, 90.0],
        low=[20.0, 10.0, 67.0, 80.0, 80.0],
        high=[30.0, 20.0, 70.0, 90.0, 94.0],
        against_predicted=[25.0, 18.0, 68.0, 86.0, 94.0],
    )
    young, old = age_figures(samples, SETTINGS)["per_band"]
    plain = {key: value for key, value in young.items() if not key.endswith("_ci95")}
    assert plain == {
        "band": "20-29",
        "n": 2,
        "mae": 2.0,
        "signed_error": -1.0,
        "delta_mae": 0.5,
        "coverage": 0.5,
        "width": 10.0,
    }
    plain = {key: value for key, value in old.items() if not key.endswith("_ci95")}
    assert plain == pytest.approx(
        {
            "band": "70+",
            "n": 3,
            "mae": 3.0,
            "signed_error": -3.0,
            "delta_mae": 5 / 3,
            "coverage": 2 / 3,
            "width": 9.0,
        }
    )
    assert old["delta_mae_ci95"] == list(mean_interval([2.0, -1.0, 4.0]))
    assert old["signed_error_ci95"] == list(mean_interval([-4.0, 0.0, -5.0]))
    # Wilson's interval of 2 in 3: (2 + z²/2) / (3 + z²) ± z/(3 + z²) · √(2/3 + z²/4), z = 1.96.
    assert old["coverage_ci95"] == pytest.approx([0.2077, 0.9385], abs=5e-5)


def test_one_face_has_no_interval_of_its_mean() -> None:
    """A band of one face shows no spread; its coverage has an interval all the same."""
    samples = _samples([25.0], [26.0], low=[20.0], high=[30.0])
    (band,) = age_figures(samples, SETTINGS)["per_band"]
    assert (band["mae_ci95"], band["signed_error_ci95"]) == (None, None)
    assert band["coverage_ci95"][0] < band["coverage_ci95"][1] == 1.0


def _groups(sizes: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Return samples: for each gender so many of 20 (off by 2 years) and of 50 (off by 8)."""
    true, genders = [], []
    for gender, (young, old) in sizes.items():
        true += [20.0] * young + [50.0] * old
        genders += [gender or None] * (young + old)
    predicted = [age + (2.0 if age == 20 else -8.0) for age in true]
    return _samples(true, predicted, gender=genders)


def test_standardised_errors_are_equal_where_ages_alone_differ() -> None:
    """Two groups equally good at each age: apart by 3.0 years, and by none once standardised."""
    figures = age_figures(_groups({"male": (150, 50), "female": (50, 150)}), SETTINGS)["by_gender"]
    first, second = figures["groups"]
    assert (first["group"], first["n"], first["mae"]) == ("female", 200, 6.5)
    assert (second["group"], second["n"], second["mae"]) == ("male", 200, 3.5)
    # Both bands are half of the whole set: (2 + 8) / 2.
    assert first["mae_standardised"] == second["mae_standardised"] == 5.0
    assert first["mae_standardised_ci95"] == pytest.approx([5.0, 5.0])
    assert first["signed_error"] == (50 * 2 - 150 * 8) / 200
    assert figures["max_minus_min"] == {"mae": 3.0, "mae_standardised": 0.0}
    assert figures["unlabelled"] == 0


def test_a_band_that_a_group_lacks_is_named_and_left_out() -> None:
    """Without a face of 50 the standardised error is that of the only band left."""
    figures = age_figures(_groups({"male": (100, 100), "female": (100, 0)}), SETTINGS)["by_gender"]
    female, male = figures["groups"]
    assert (female["bands_missing"], male["bands_missing"]) == (["50-59"], [])
    assert female["mae_standardised"] == pytest.approx(2.0)
    # The set is two thirds young.
    assert male["mae_standardised"] == pytest.approx((2 * 2 + 8) / 3)


def test_small_groups_are_listed_and_not_compared() -> None:
    """99 faces have a mean and no standardised one; unlabelled faces are counted apart."""
    sizes = {"male": (100, 0), "female": (99, 0), "": (7, 1)}
    figures = age_figures(_groups(sizes), SETTINGS)["by_gender"]
    female, male = figures["groups"]
    assert (female["n"], female["mae"]) == (99, 2.0)
    assert (female["mae_standardised"], female["mae_standardised_ci95"]) == (None, None)
    # A band that only unlabelled faces are in is still one of the set's.
    assert male["bands_missing"] == ["50-59"]
    assert male["mae_standardised"] == pytest.approx(2.0)
    assert figures["unlabelled"] == 8
    assert figures["max_minus_min"] == {"mae": None, "mae_standardised": None}


def test_bins_by_group(binned_samples: dict[str, Any]) -> None:
    """Bins are grouped the same way; a label that no face has makes no key."""
    figures = age_figures(binned_samples, SETTINGS)
    assert "by_gender" not in figures
    assert "per_band" not in figures
    one, two = figures["by_ethnicity"]["groups"]
    assert (one["group"], one["outside_bin"], one["bands_missing"]) == ("one", 0.0, ["70+"])
    assert (two["group"], two["outside_bin"], two["bands_missing"]) == ("two", 5.5, ["[0, 3)"])


def test_samples_of_an_older_file() -> None:
    """Without labels and without the interval's level there are bands and none of the rest."""
    samples = _samples([25.0, 30.0], [25.0, 31.0], low=[20.0, 26.0], high=[30.0, 36.0])
    figures = age_figures(samples, SETTINGS)
    assert "per_band" in figures
    assert not {"by_gender", "by_ethnicity", "intervals", "reliability"} & set(figures)


def test_labels_of_another_set() -> None:
    """Labels that do not pair up with the faces give no figures."""
    with pytest.raises(SamplesError, match="'gender'"):
        age_figures(_samples([25.0, 30.0], [25.0, 31.0], gender=["male"]), SETTINGS)
