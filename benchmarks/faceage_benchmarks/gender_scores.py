"""How often a model with an output of gender tells what labels say."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceage_benchmarks.age_bands import interval_of
from faceage_calibration.gender_told import gender_told
from faceage_calibration.stats import share_interval

__all__ = ["gender_score_figures"]


def gender_score_figures(
    samples: Mapping[str, Any], bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the figures of a model that says gender, none of another.

    Args:
        samples: of an accuracy result; `gender` holds n labels or None, `gender_labels` what the
            model tells apart, `gender_told` n of these, and `against_gender_told` those of a second
            model.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `gender_scores` and, of a second model, `against_gender_scores`: `n` faces whose label is
        one of the model's, `accuracy` with its interval, and `majority`, that of always saying the
        commonest; and `delta_gender_accuracy`, the model's less the second's on the same faces,
        with its interval. None where no face has such a label.
    """
    prefixes = [one for one in ("", "against_") if f"{one}gender_told" in samples]
    if not prefixes:
        return {}
    found = gender_told(
        samples.get("gender", ()),
        samples.get("gender_labels", ()),
        *(samples[f"{prefix}gender_told"] for prefix in prefixes),
    )
    if found is None:
        return {}
    figures: dict[str, Any] = {}
    for prefix, right in zip(prefixes, found.right, strict=True):
        ends = share_interval(int(right.sum()), found.n, confidence=bootstrap["confidence"])
        figures[f"{prefix}gender_scores"] = {
            "n": found.n, "accuracy": float(right.mean()), "accuracy_ci95": list(ends),
            "majority": found.majority,
        }  # fmt: skip
    if len(found.right) > 1:
        own, other = (right.astype(np.float64) for right in found.right)
        figures["delta_gender_accuracy"] = float((own - other).mean())
        figures["delta_gender_accuracy_ci95"] = list(interval_of(own - other, bootstrap))
    return figures
