"""What quantization did to the ages: float against int8 on identical crops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.stats import mean_interval
from faceage_edge.age import AgeModel

__all__ = ["Comparison", "age_errors", "compare_ages"]


@dataclass(frozen=True)
class Comparison:
    """Float and int8 model on the same n crops; all in years.

    `mae_*`, `delta_mae` and its 95 % bootstrap interval are None on unlabelled faces; an age bin's
    error is the distance outside it. `shift_*` compare the two models' ages with each other.
    """

    n: int
    crops: str
    missed: int
    shift_mean: float
    shift_mean_abs: float
    shift_max_abs: float
    mae_float: float | None = None
    mae_int8: float | None = None
    delta_mae: float | None = None
    delta_mae_ci95: tuple[float, float] | None = None


def compare_ages(
    float_model: AgeModel,
    int8_model: AgeModel,
    crops: npt.NDArray[np.uint8],
    faces: Sequence[LabelledFace],
    *,
    mode: str,
    missed: int,
) -> Comparison:
    """Run both models on the same crops.

    Args:
        float_model: the model before quantization.
        int8_model: the model after it.
        crops: uint8 (n, height, width, 3), BGR.
        faces: the n faces the crops show.
        mode: how they were cropped, for the record.
        missed: how many of them the detector did not find.
    """
    before, after = float_model.estimate(crops).years, int8_model.estimate(crops).years
    shift = after - before
    labelled = [face.label.has_age for face in faces]
    figures: dict[str, object] = {}
    if all(labelled):
        errors = [age_errors(years, [face.label for face in faces]) for years in (before, after)]
        delta = errors[1] - errors[0]
        low, high = mean_interval(delta)
        figures = {
            "mae_float": float(errors[0].mean()),
            "mae_int8": float(errors[1].mean()),
            "delta_mae": float(delta.mean()),
            "delta_mae_ci95": (low, high),
        }
    return Comparison(
        n=len(faces),
        crops=mode,
        missed=missed,
        shift_mean=float(shift.mean()),
        shift_mean_abs=float(np.abs(shift).mean()),
        shift_max_abs=float(np.abs(shift).max()),
        **figures,  # type: ignore[arg-type]
    )


def age_errors(
    years: npt.NDArray[np.float64], labels: Sequence[Label]
) -> npt.NDArray[np.float64]:
    """Absolute error of each age in years: the distance to the true age, or outside its bin."""
    return np.array(
        [_error(float(age), label) for age, label in zip(years, labels, strict=True)]
    )


def _error(age: float, label: Label) -> float:
    if label.years is not None:
        return abs(age - label.years)
    assert label.bin is not None
    return label.bin.distance(age)
