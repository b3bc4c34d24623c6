"""Make a score's sigmoid a frequency: slope and offset by maximum likelihood.

Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with his smoothed targets, by
Newton's method as Lin, Lin and Weng, "A Note on Platt's Probabilistic Outputs" (2007).
"""

import numpy as np
import numpy.typing as npt

from faceage_edge.errors import FacesError

__all__ = ["fit_sigmoid"]

_STEPS = 100
_ENOUGH = 1e-9


def fit_sigmoid(
    logits: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Fit P(positive) = sigmoid(slope * logit + offset).

    Args:
        logits: (n,) scores of the samples.
        positive: (n,) which of them are.

    Returns:
        Slope and offset.

    Raises:
        FacesError: all samples are alike, or a higher score does not mean a higher probability.
    """
    n_over = int(positive.sum())
    n_under = positive.size - n_over
    if not n_over or not n_under:
        raise FacesError(f"{n_under} faces below and {n_over} above: one side is empty")
    # As if each side had one more sample of unknown kind: a finite slope also where the two
    # do not overlap.
    target = np.where(positive, (n_over + 1) / (n_over + 2), 1 / (n_under + 2))
    design = np.column_stack([logits, np.ones_like(logits)])
    weights = np.array([1.0, 0.0])
    loss = _loss(design @ weights, target)
    for _ in range(_STEPS):
        share = (1 + np.tanh(design @ weights / 2)) / 2
        gradient = design.T @ (share - target)
        curvature = design.T @ (design * (share * (1 - share) + 1e-12)[:, None])
        step = np.linalg.solve(curvature, gradient)
        # Halved until it helps: a full step can overshoot where the sigmoid is flat.
        scale = 1.0
        while (better := _loss(design @ (weights - scale * step), target)) > loss and scale > 1e-6:
            scale /= 2
        if loss - better < _ENOUGH:
            break
        weights, loss = weights - scale * step, better
    slope, offset = map(float, weights)
    if slope <= 0:
        raise FacesError(
            f"a higher age goes with a lower probability on these faces (slope {slope:.3g}); "
            "are the labels ages?"
        )
    return slope, offset


def _loss(values: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, values) - target * values).sum())
