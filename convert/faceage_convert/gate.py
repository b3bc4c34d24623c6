"""Is what quantization cost small enough? Yes, no, or not to be told from so few faces.

The burden of proof is on the conversion: an upper bound on the rise of the error has to lie within
the limit. A rise that could only be called too large because the bound is wide, so that even a
conversion that changes nothing would not pass, is called undecided, with the faces it would take.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from faceage_calibration.stats import mean_interval

__all__ = ["BandVerdict", "Limits", "Verdict", "judge", "merge_bands"]

Floats = npt.NDArray[np.float64]

# A band of fewer faces says little about itself (DESIGN: Verify).
_BAND_FACES = 100
# Below this no resampling tells a bad conversion from a few odd faces.
_FEWEST = 30
# One-sided, as the upper end of a 95 % interval is.
_ALPHA = 0.025


@dataclass(frozen=True)
class Limits:
    """How many years the mean absolute error may rise: over all faces, and in a band of ages."""

    drop: float = 0.05
    band_drop: float = 0.25


@dataclass(frozen=True)
class BandVerdict:
    """One band of ages, `low` to `high` years (the last is open), errors in years.

    `delta_ci95` is a paired bootstrap interval; `bound` the upper bound at the level that Holm's
    correction leaves this band, which is what `verdict` rests on.
    """

    low: int
    high: int | None
    n: int
    mae_float: float
    mae_int8: float
    delta: float
    delta_ci95: tuple[float, float]
    bound: float
    verdict: str


@dataclass(frozen=True)
class Verdict:
    """`pass`, `fail` or `undecided`, with the reason in words.

    `faces_needed` is how many faces of this mix would decide; None unless undecided.
    """

    verdict: str
    reason: str
    limits: Limits
    delta: float
    delta_ci95: tuple[float, float]
    bands: tuple[BandVerdict, ...]
    faces_needed: int | None = None


def judge(before: Floats, after: Floats, decades: Sequence[int], limits: Limits) -> Verdict:
    """Judge a conversion by its errors on the same faces.

    Args:
        before: (n,) absolute errors of the float model, years.
        after: (n,) those of the converted model, face by face.
        decades: (n,) decade of life of each face, 0 for ages 0-9.
        limits: what is allowed.

    Returns:
        The verdict; bands are decades merged with the next until each holds 100 faces.
    """
    delta = after - before
    interval = mean_interval(delta)
    mean, ends = float(delta.mean()), (interval.low, interval.high)
    bands = _bands(before, after, decades, limits.band_drop)
    whole = _word(mean, interval.high - mean, mean - interval.low, limits.drop)
    words = {whole, *(band.verdict for band in bands)}
    if len(delta) < _FEWEST:
        needed = max(_FEWEST, _needed(len(delta), interval.high - mean, limits.drop))
        reason = f"{len(delta)} faces are too few for any verdict"
        return Verdict("undecided", reason, limits, mean, ends, bands, needed)
    if "fail" in words:
        return Verdict(
            "fail", _failure(whole, mean, ends, bands, limits), limits, mean, ends, bands
        )
    if "undecided" in words:
        needed = _needed(len(delta), interval.high - mean, limits.drop)
        needed = max([needed, *(_band_needed(band, len(delta), limits) for band in bands)])
        reason = f"even a conversion that changed nothing on average could not pass on {len(delta)}"
        return Verdict("undecided", f"{reason} faces", limits, mean, ends, bands, needed)
    reason = f"the error rises by at most {ends[1]:.3f} years, allowed are {limits.drop:g}"
    return Verdict("pass", reason, limits, mean, ends, bands)


def merge_bands(decades: Sequence[int], least: int = _BAND_FACES) -> list[tuple[int, int | None]]:
    """Merge decades of life, youngest first, until each band holds so many faces.

    Returns:
        (first decade, decade behind the last) of every band; None for the open end of the last.
        What is left over joins the last band.
    """
    starts, count = [0], 0
    for decade, found in enumerate(np.bincount(np.asarray(decades, dtype=np.int64))):
        count += int(found)
        if count >= least:
            starts.append(decade + 1)
            count = 0
    if len(starts) > 1:
        # Behind the last full band stands nothing, or a rest that is too few.
        starts.pop()
    ends: list[int | None] = [*starts[1:], None]
    return list(zip(starts, ends, strict=True))


def _bands(
    before: Floats, after: Floats, decades: Sequence[int], limit: float
) -> tuple[BandVerdict, ...]:
    member = np.asarray(decades)
    bands = merge_bands(decades)
    if len(bands) < 2:  # one band is the whole, which is judged already
        return ()
    rows = [(member >= low) & (member < (1000 if high is None else high)) for low, high in bands]
    deltas = [(after - before)[inside] for inside in rows]
    levels = _holm([_p_above(delta, limit) for delta in deltas])
    found = []
    for (low, high), inside, delta, level in zip(bands, rows, deltas, levels, strict=True):
        half = NormalDist().inv_cdf(1 - level) * _standard_error(delta)
        mean, interval = float(delta.mean()), mean_interval(delta)
        found.append(
            BandVerdict(
                low=low * 10,
                high=None if high is None else high * 10,
                n=len(delta),
                mae_float=float(before[inside].mean()),
                mae_int8=float(after[inside].mean()),
                delta=mean,
                delta_ci95=(interval.low, interval.high),
                bound=mean + half,
                verdict=_word(mean, half, half, limit),
            )
        )
    return tuple(found)


def _holm(p_values: Sequence[float]) -> list[float]:
    """The level of each test (Holm 1979): the smallest p at alpha / m, the next at alpha / (m - 1)
    and so on; from the first that is not significant, all the others at its level."""
    levels = [0.0] * len(p_values)
    stopped: float | None = None
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        level = _ALPHA / (len(p_values) - rank) if stopped is None else stopped
        if p_values[index] > level and stopped is None:
            stopped = level
        levels[int(index)] = level
    return levels


def _p_above(delta: Floats, limit: float) -> float:
    """How likely so low a mean would be if the rise were at the limit (normal, n >= 100)."""
    error = _standard_error(delta)
    distance = limit - float(delta.mean())
    if not error:
        return 0.0 if distance >= 0 else 1.0
    return 1 - NormalDist().cdf(distance / error)


def _standard_error(delta: Floats) -> float:
    return float(delta.std(ddof=1) / math.sqrt(len(delta))) if len(delta) > 1 else 0.0


def _word(mean: float, above: float, below: float, limit: float) -> str:
    if mean + above <= limit:
        return "pass"
    if mean - below > limit:
        return "fail"
    # Such a bound around a mean of zero would be beyond the limit too.
    return "undecided" if above > limit else "fail"


def _needed(n: int, half: float, limit: float) -> int:
    """Faces at which the bound would be as wide as the limit: it narrows by their square root."""
    return math.ceil(n * (half / limit) ** 2) if half > limit else n


def _band_needed(band: BandVerdict, n: int, limits: Limits) -> int:
    return _needed(n, band.bound - band.delta, limits.band_drop)


def _failure(
    whole: str,
    mean: float,
    ends: tuple[float, float],
    bands: Sequence[BandVerdict],
    limits: Limits,
) -> str:
    if whole == "fail":
        return (
            f"the error rises by {mean:+.3f} years, up to {ends[1]:.3f} (95 %), "
            f"allowed are {limits.drop:g} (--max-drop)"
        )
    worst = max((band for band in bands if band.verdict == "fail"), key=lambda band: band.delta)
    ages = f"{worst.low}+" if worst.high is None else f"{worst.low}-{worst.high - 1}"
    return (
        f"at ages {ages} the error rises by {worst.delta:+.3f} years, up to {worst.bound:.3f}, "
        f"allowed are {limits.band_drop:g} (--max-band-drop)"
    )
