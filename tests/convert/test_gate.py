"""The gate passes, fails or leaves undecided as its definition says."""

import numpy as np
import numpy.typing as npt
import pytest

from faceage_convert.gate import Limits, judge, merge_bands

Floats = npt.NDArray[np.float64]


def _deltas(n: int, mean: float, spread: float) -> Floats:
    """Numbers with exactly this mean and standard deviation."""
    raw = np.random.default_rng(n).normal(size=n)
    return np.asarray((raw - raw.mean()) / raw.std() * spread + mean)


# Half the width of a 95 % interval is 1.96 spread / sqrt(n).
WHOLE = [
    (1000, 0.00, 0.3, "pass", "bound 0.019"),
    (1000, 0.04, 0.1, "pass", "0.04 and a bound of 0.046"),
    (1000, 0.04, 0.3, "fail", "bound 0.059, and a perfect one would have passed with 0.019"),
    (1000, 0.20, 3.0, "undecided", "bound 0.39; a perfect one would have 0.19 > 0.05"),
    (1000, 0.50, 3.0, "fail", "worse for sure: the lower bound is 0.31"),
    (29, 9.00, 0.1, "undecided", "nothing is told from 29 faces"),
    (50, 0.00, 0.0, "pass", "nothing moved at all"),
]


@pytest.mark.parametrize(
    ("n", "mean", "spread", "verdict", "note"), WHOLE, ids=[case[4] for case in WHOLE]
)
def test_verdict_over_all_faces(
    n: int, mean: float, spread: float, verdict: str, note: str
) -> None:
    """One band, so that only the whole is judged."""
    before = np.full(n, 20.0)
    found = judge(before, before + _deltas(n, mean, spread), [2] * n, Limits())
    assert found.verdict == verdict
    assert (found.faces_needed is not None) == (verdict == "undecided")


def test_faces_needed_would_decide() -> None:
    """With as many faces of the same spread, a conversion that changes nothing passes."""
    before = np.full(400, 20.0)
    found = judge(before, before + _deltas(400, 0.0, 2.0), [2] * 400, Limits())
    assert found.verdict == "undecided"
    assert found.faces_needed is not None
    # 1.96 * 2 / sqrt(n) = 0.05 at n = 6,147; the bootstrap knows the width to a few per cent.
    assert found.faces_needed == pytest.approx(6147, rel=0.15)
    n = round(found.faces_needed * 1.1)
    before = np.full(n, 20.0)
    assert judge(before, before + _deltas(n, 0.0, 2.0), [2] * n, Limits()).verdict == "pass"


def test_one_bad_band_fails() -> None:
    """The whole is as good as before, and old people are half a year worse off."""
    decades = [2] * 900 + [7] * 100
    delta = np.concatenate([_deltas(900, -0.06, 0.1), _deltas(100, 0.5, 0.2)])
    before = np.full(1000, 20.0)
    found = judge(before, before + delta, decades, Limits())
    assert [band.verdict for band in found.bands] == ["pass", "fail"]
    assert found.verdict == "fail"
    assert "at ages 30+ the error rises by +0.500 years" in found.reason
    assert judge(before, before + delta, decades, Limits(band_drop=0.6)).verdict == "pass"


def test_holm_gives_many_bands_wider_bounds() -> None:
    """The same band alone among nine needs a wider bound than one of two."""
    delta = _deltas(100, 0.1, 0.5)
    before = np.full(900, 20.0)
    nine = judge(before, before + np.tile(delta, 9), np.repeat(range(9), 100).tolist(), Limits())
    two = judge(before[:200], before[:200] + np.tile(delta, 2), [0] * 100 + [1] * 100, Limits())
    assert len(nine.bands) == 9
    assert max(band.bound for band in nine.bands) > max(band.bound for band in two.bands) + 0.02
    # The level of the smallest p is 0.025 / 9: the normal quantile 2.77.
    expected = 0.1 + 2.77 * delta.std(ddof=1) / 10
    assert max(band.bound for band in nine.bands) == pytest.approx(expected, abs=0.001)


MERGED = [
    ([0] * 100 + [1] * 100, [(0, 1), (1, None)], "both large enough"),
    ([0] * 60 + [1] * 60 + [2] * 100, [(0, 2), (2, None)], "two small ones joined"),
    ([0] * 100 + [5] * 30, [(0, None)], "the rest joins the last band"),
    ([3] * 20, [(0, None)], "too few altogether"),
]


@pytest.mark.parametrize(("decades", "bands", "note"), MERGED, ids=[case[2] for case in MERGED])
def test_bands_hold_a_hundred(
    decades: list[int], bands: list[tuple[int, int | None]], note: str
) -> None:
    """Decades are merged with the next until they do."""
    assert merge_bands(decades) == bands
