"""How well a model tells age groups apart: the scores of a classifier.

Accuracy; precision, recall and F1 of each group, their plain mean (macro) and their mean by the
faces of the groups (weighted); the area under the ROC curve of each group against the others; and
the confusion matrix. A score whose denominator is nought (a group that nobody is put into) is
nought, and means are over the groups that have a face or a prediction: what is usual.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.age_bands import interval_of
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import Floats, share_interval
from faceage_models.age_groups import group_targets

__all__ = ["confusion_matrix", "group_score_figures", "roc_auc", "scores", "true_groups"]

_SCORES = ("precision", "recall", "f1")
# An open bin's end, years: nobody is older.
_OLDEST = 120.0

Counts = NDArray[np.int64]


def group_score_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a model that says age groups, none of another.

    Args:
        samples: of an accuracy result; `age_groups` holds the model's `bounds`, [low, high) in
            years, `group_shares` n lists of probabilities, and `against_group_shares` those of a
            second model.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `group_scores` and, of a second model, `against_group_scores`, as `scores` gives them; and
        `delta_accuracy`, the model's accuracy less the second's on the same faces, with its
        interval.

    Raises:
        SamplesError: numbers of faces or groups that do not fit together.
    """
    if "group_shares" not in samples:
        return {}
    bounds = tuple((low, high) for low, high in samples["age_groups"]["bounds"])
    true = true_groups(samples["true"], bounds)
    known = true >= 0
    if not known.any():
        raise SamplesError("no face's label lies in one age group of the model alone")
    figures: dict[str, Any] = {}
    right = []
    for prefix in ("", "against_"):
        if f"{prefix}group_shares" not in samples:
            continue
        shares = np.asarray(samples[f"{prefix}group_shares"], np.float64)
        if shares.shape != (len(true), len(bounds)):
            raise SamplesError(
                f"{len(true)} faces and {len(bounds)} age groups, found probabilities of the shape "
                f"{shares.shape}"
            )
        figures[f"{prefix}group_scores"] = {
            "bounds": [list(pair) for pair in bounds],
            "ambiguous": int((~known).sum()),
        } | scores(true[known], shares[known], bootstrap["confidence"])
        right.append((shares.argmax(axis=1) == true)[known].astype(np.float64))
    if len(right) > 1:
        change = right[0] - right[1]
        figures["delta_accuracy"] = float(change.mean())
        figures["delta_accuracy_ci95"] = list(interval_of(change, bootstrap))
    return figures


def true_groups(
    true: Sequence[float | list[float | None]], bounds: Sequence[tuple[float, float]]
) -> Counts:
    """Return the group that each label is in, (n,); -1 where it lies in several.

    Args:
        true: n ages in years, or n bins [low, high) with high None when open.
        bounds: [low, high) of each group in years. A label outside all of them counts as in the
            nearest, as in training.
    """
    spans = np.empty((len(true), 2))
    for span, label in zip(spans, true, strict=True):
        if isinstance(label, list):
            low, high = label
            # Who is 29 and a half is 29: a bin's end does not belong to it.
            span[:] = low, (_OLDEST if high is None else high) - 1
        else:
            span[:] = label
    allowed = group_targets(tuple(bounds))(spans) > 0
    return np.where(allowed.sum(axis=1) == 1, allowed.argmax(axis=1), -1).astype(np.int64)


def scores(true: Counts, shares: Floats, confidence: float) -> dict[str, Any]:
    """Return the scores of a classifier.

    Args:
        true: (n,) group of each face, from 0.
        shares: (n, groups) probability of each; the likeliest is the prediction.
        confidence: of the interval of the accuracy.

    Returns:
        `n`; `accuracy` with `accuracy_ci95` (Wilson's); `majority`: the share of the group that
        has most faces, which is the accuracy of always saying that one; `precision`, `recall` and
        `f1` as `_macro` and `_weighted`; `roc_auc_macro` and `roc_auc_weighted` over the groups
        that some faces are in and others not, None without any; `per_group` with `n` and the same
        four of each; `confusion`: faces by true group (rows) and predicted group (columns).
    """
    table = confusion_matrix(true, shares.argmax(axis=1), shares.shape[1])
    support, chosen, hits = table.sum(axis=1), table.sum(axis=0), table.diagonal()
    areas = [roc_auc(true == group, shares[:, group]) for group in range(shares.shape[1])]
    columns = {
        "precision": _ratio(hits, chosen),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, support + chosen),
    }
    figures: dict[str, Any] = {
        "n": int(support.sum()),
        "accuracy": float(hits.sum() / support.sum()),
        "accuracy_ci95": list(
            share_interval(int(hits.sum()), int(support.sum()), confidence=confidence)
        ),
        "majority": float(support.max() / support.sum()),
    }
    present = (support > 0) | (chosen > 0)
    for name in _SCORES:
        figures[f"{name}_macro"] = float(columns[name][present].mean())
        figures[f"{name}_weighted"] = float(columns[name] @ support / support.sum())
    figures |= _areas(areas, support)
    figures["per_group"] = [
        {"n": int(support[group])}
        | {name: float(columns[name][group]) for name in _SCORES}
        | {"roc_auc": areas[group]}
        for group in range(len(support))
    ]
    return figures | {"confusion": table.tolist()}


def confusion_matrix(true: Counts, predicted: Counts, groups: int) -> Counts:
    """Return faces by true group (rows) and predicted group (columns), (groups, groups)."""
    cells = np.bincount(true * groups + predicted, minlength=groups * groups)
    return cells.reshape(groups, groups)


def roc_auc(positive: NDArray[np.bool_], score: Floats) -> float | None:
    """Return the area under the ROC curve: how often a positive scores above a negative.

    A tie counts as a half (Mann and Whitney 1947; Hanley and McNeil 1982).

    Args:
        positive: (n,).
        score: (n,) the higher, the likelier positive.

    Returns:
        0 to 1; None where all are positive or none is.
    """
    yes = int(positive.sum())
    no = positive.size - yes
    if not yes or not no:
        return None
    # Equal scores share the mean of their ranks.
    _, which, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (count.cumsum() - (count - 1) / 2)[which]
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def _ratio(above: Counts, below: Counts) -> Floats:
    return np.asarray(above / np.maximum(below, 1), np.float64)


def _areas(areas: Sequence[float | None], support: Counts) -> dict[str, float | None]:
    known = [group for group, area in enumerate(areas) if area is not None]
    if not known:
        return {"roc_auc_macro": None, "roc_auc_weighted": None}
    values = np.array([areas[group] for group in known], np.float64)
    weights = support[known]
    return {
        "roc_auc_macro": float(values.mean()),
        "roc_auc_weighted": float(values @ weights / weights.sum()),
    }
