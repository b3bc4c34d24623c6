"""Age groups as a head learns them: a softmax over spans of years, read as the mean of middles.

A face teaches that it is in one of the groups its label overlaps, each as good as the other. A
label between groups, which sets such as Adience leave open, or beyond them counts as in the
nearest.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.labels import parse_age_bin
from faceage_edge.errors import FacesError, UsageError
from faceage_models.keras_backend import training_keras

__all__ = ["GROUPS", "Bounds", "group_loss", "group_prior", "group_targets", "parse_groups"]

Bounds = tuple[tuple[float, float], ...]
Floats = NDArray[np.float32]

# Thirteen of five years, the first with the new-born, and one of 66 and older: those of AL-ResNet.
GROUPS = "0,6,11,16,21,26,31,36,41,46,51,56,61,66"
# An open group has to end for its middle to be an age: that of 66 and older is then 77, the mean
# age of UTKFace's faces of 66 and older.
_OPEN_YEARS = 22.0
# Ages have no more than three decimals; so far below its end a group ends inclusively.
_BELOW = 1e-6
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3})?")


def parse_groups(text: str) -> Bounds:
    """Read groups of ages.

    >>> parse_groups("0,20,66")
    ((0.0, 20.0), (20.0, 66.0), (66.0, 88.0))
    >>> parse_groups("0-2,4-6,60+")
    ((0.0, 3.0), (4.0, 7.0), (60.0, 82.0))

    Args:
        text: where each group begins, the last being open; or spans as labels are written, which
            may leave ages out. Between commas.

    Returns:
        [low, high) of each group in years.

    Raises:
        UsageError: neither, fewer than two groups, or groups that overlap or do not ascend.
    """
    words = [word.strip() for word in text.split(",")]
    if all(_NUMBER.fullmatch(word) for word in words):
        starts = [float(word) for word in words]
        bounds = [*pairwise(starts), (starts[-1], starts[-1] + _OPEN_YEARS)]
    else:
        bounds = [_span(word) for word in words]
    ascending = all(low < high for low, high in bounds) and all(
        before[1] <= after[0] for before, after in pairwise(bounds)
    )
    if len(bounds) < 2 or not ascending:
        raise UsageError(
            f"--groups {text}: expected two or more age groups in ascending order, such as "
            "0,20,40,60 or 0-2,4-6,60+"
        )
    return tuple(bounds)


def _span(word: str) -> tuple[float, float]:
    try:
        span = parse_age_bin(word, "--groups")
    except FacesError as error:
        raise UsageError(str(error)) from error
    return span.low, span.low + _OPEN_YEARS if np.isinf(span.high) else span.high


def group_targets(bounds: Bounds) -> Callable[[NDArray[np.float64]], Floats]:
    """From spans, float64 (n, 2), to which groups a face may be in, (n, groups) of 0 and 1."""
    lows, highs = np.array(bounds).T

    def targets(spans: NDArray[np.float64]) -> Floats:
        low, high = spans[:, :1], spans[:, 1:]
        outside = np.maximum(np.maximum(lows - high, low - (highs - _BELOW)), 0)
        return np.asarray(outside == outside.min(axis=1, keepdims=True), np.float32)

    return targets


def group_loss(targets: Any, logits: Any, _importance: Any) -> Any:
    """Minus the logarithm of the mass inside the allowed groups: of one group, cross-entropy."""
    ops = training_keras().ops
    # -1e9 takes what is not allowed away.
    return -ops.logsumexp(ops.log_softmax(logits, axis=-1) + (targets - 1) * 1e9, axis=-1)


def group_prior(bounds: Bounds) -> Callable[[NDArray[np.float64]], Floats]:
    """From spans to the logarithms of the groups' shares, a face in several being divided."""
    targets = group_targets(bounds)

    def prior(spans: NDArray[np.float64]) -> Floats:
        allowed = targets(spans)
        share = (allowed / allowed.sum(axis=1, keepdims=True)).mean(axis=0)
        return np.asarray(np.log(share + 1e-4), np.float32)

    return prior
