"""How often a model with an output of gender tells what labels say."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceage_benchmarks.age_bands import interval_of
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
    known = [label in samples.get("gender_labels", ()) for label in samples.get("gender", ())]
    if "gender_told" not in samples or not any(known):
        return {}
    labels = np.array([label or "" for label in samples["gender"]])[known]
    n = int(labels.size)
    majority = float(np.unique(labels, return_counts=True)[1].max() / n)
    figures: dict[str, Any] = {}
    right = []
    for prefix in ("", "against_"):
        if f"{prefix}gender_told" not in samples:
            continue
        hits = np.array(samples[f"{prefix}gender_told"])[known] == labels
        ends = share_interval(int(hits.sum()), n, confidence=bootstrap["confidence"])
        figures[f"{prefix}gender_scores"] = {
            "n": n, "accuracy": float(hits.mean()), "accuracy_ci95": list(ends),
            "majority": majority,
        }  # fmt: skip
        right.append(hits.astype(np.float64))
    if len(right) > 1:
        change = right[0] - right[1]
        figures["delta_gender_accuracy"] = float(change.mean())
        figures["delta_gender_accuracy_ci95"] = list(interval_of(change, bootstrap))
    return figures
