"""How well "at least so old?" is answered: false accepts, needless questions, probabilities."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_benchmarks.age_bands import interval_of
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import share_interval

__all__ = ["threshold_figures"]

# Years above the threshold at which the challenge age is tried too.
_SWEEP = 15
# Bins of the stated probability, for comparing it with what came true.
_BINS = 10
# The last years below a threshold are the hard ones; those far below hardly ever pass.
_NEAR = (2, 5, 10)

Ages = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]


def threshold_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a threshold result.

    Args:
        samples: `threshold` and `challenge`, years; and for each face `true` and `predicted`,
            years, `over` and `over_raw`, the probability with and without its calibration, and
            `gender`.
        bootstrap: from result.bootstrap_settings.

    Returns:
        n, n_under, n_over. `false_accept`: of the faces under the threshold, the share whose
        estimated age reaches the challenge age, with Wilson's interval; `false_accept_near` by
        years below the threshold; `false_accept_by_gender`. `asked`: of the faces at or above
        the threshold, the share that is asked for a document; `asked_above` of those at or above
        the challenge age. `sweep`: both shares at other challenge ages. `brier` and `brier_raw`:
        the mean squared error of the probability; `reliability`: its mean and what came true,
        by bins of it.

    Raises:
        SamplesError: no face on one side of the threshold.
    """
    true, predicted = _floats(samples, "true"), _floats(samples, "predicted")
    threshold, challenge = int(samples["threshold"]), int(samples["challenge"])
    under = true < threshold
    if not under.any() or under.all():
        raise SamplesError(f"{int(under.sum())} of {true.size} faces are under {threshold}")
    confidence = float(bootstrap["confidence"])

    def share(rows: Rows, accepted: Rows) -> dict[str, Any]:
        n, hits = int(rows.sum()), int((rows & accepted).sum())
        return {
            "n": n,
            "count": hits,
            "share": hits / n if n else None,
            "ci95": list(share_interval(hits, n, confidence=confidence)) if n else None,
        }

    passed = predicted >= challenge
    gender = np.array([value or "" for value in samples["gender"]])
    over, raw = _floats(samples, "over"), _floats(samples, "over_raw")
    return {
        "threshold": threshold,
        "challenge": challenge,
        "n": true.size,
        "n_under": int(under.sum()),
        "n_over": int((~under).sum()),
        "false_accept": share(under, passed),
        "false_accept_near": [
            {"from": threshold - years, "to": threshold - 1}
            | share(under & (true >= threshold - years), passed)
            for years in _NEAR
        ],
        "false_accept_by_gender": [
            {"gender": name} | share(under & (gender == name), passed)
            for name in sorted(set(gender) - {""})
        ],
        "asked": share(~under, ~passed),
        "asked_above": share(true >= challenge, ~passed),
        "sweep": [
            {
                "challenge": age,
                "false_accept": share(under, predicted >= age),
                "asked": share(~under, predicted < age),
            }
            for age in range(threshold, threshold + _SWEEP + 1)
        ],
        **_probability("brier", over, ~under, bootstrap),
        **_probability("brier_raw", raw, ~under, bootstrap),
        "reliability": _reliability(over, ~under),
    }


def _floats(samples: Mapping[str, Any], name: str) -> Ages:
    return np.asarray(samples[name], np.float64)


def _probability(
    name: str, stated: Ages, came: Rows, bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    errors = (stated - came) ** 2
    interval = list(interval_of(errors, bootstrap))
    return {name: float(errors.mean()), f"{name}_ci95": interval}


def _reliability(stated: Ages, came: Rows) -> list[dict[str, Any]]:
    number = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    return [
        {
            "low": index / _BINS,
            "high": (index + 1) / _BINS,
            "n": int(rows.sum()),
            "stated": float(stated[rows].mean()),
            "came_true": float(came[rows].mean()),
        }
        for index in range(_BINS)
        if (rows := number == index).any()
    ]
