"""What quantization did to the ages: float against the converted model on identical crops."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.stats import mean_interval
from faceage_convert.gender_accuracy import GenderAccuracy, gender_accuracy
from faceage_edge.age import Ages
from faceage_edge.errors import FacesError, ModelFileError

__all__ = ["Comparison", "age_errors", "check_spread", "compare_ages"]

Years = npt.NDArray[np.float64]

# From so many faces on, so many different ages must come out, and so many be asked for: a model
# that gives one age to all, or a set of one age, makes any conversion look free.
_FACES = 20
_LEAST_AGES = 5


@dataclass(frozen=True)
class Comparison:
    """Float and int8 model on the same n crops; all in years.

    `youngest` and `oldest` are the int8 model's lowest and highest age, `shift_*` compare the two
    models' ages with each other. `mae_*`, `delta_mae` and its 95 % bootstrap interval are None
    unless every face has an age; an age bin's error is the distance outside it. `gender` is None
    unless the model says it and labels do.
    """

    n: int
    crops: str
    missed: int
    youngest: float
    oldest: float
    shift_mean: float
    shift_mean_abs: float
    shift_max_abs: float
    mae_float: float | None = None
    mae_int8: float | None = None
    delta_mae: float | None = None
    delta_mae_ci95: tuple[float, float] | None = None
    gender: GenderAccuracy | None = None


def compare_ages(
    before: Ages, after: Ages, faces: Sequence[LabelledFace], *, mode: str, missed: int
) -> Comparison:
    """Compare two models' ages of the same crops.

    Args:
        before: of n faces by the model before quantization, n >= 1.
        after: by the model after it.
        faces: the n faces the crops show.
        mode: how they were cropped, for the record.
        missed: how many of them the detector did not find.
    """
    labels = [face.label for face in faces]
    shift = after.years - before.years
    ages = Comparison(
        n=len(faces),
        crops=mode,
        missed=missed,
        youngest=float(after.years.min()),
        oldest=float(after.years.max()),
        shift_mean=float(shift.mean()),
        shift_mean_abs=float(np.abs(shift).mean()),
        shift_max_abs=float(np.abs(shift).max()),
        gender=gender_accuracy(before.genders, after.genders, labels),
    )
    if not all(label.has_age for label in labels):
        return ages
    return _with_errors(ages, before.years, after.years, labels)


def _with_errors(
    comparison: Comparison, before: Years, after: Years, labels: Sequence[Label]
) -> Comparison:
    float_errors, int8_errors = age_errors(before, labels), age_errors(after, labels)
    delta = int8_errors - float_errors
    interval = mean_interval(delta)
    return replace(
        comparison,
        mae_float=float(float_errors.mean()),
        mae_int8=float(int8_errors.mean()),
        delta_mae=float(delta.mean()),
        delta_mae_ci95=(interval.low, interval.high),
    )


def check_spread(after: Years, labels: Sequence[Label], where: str) -> None:
    """Refuse a measurement that could not show what a conversion cost.

    Args:
        after: (n,) ages by the converted model.
        labels: what is known of the n faces.
        where: the set, for messages.

    Raises:
        ModelFileError: the model gives nearly the same age to all faces.
        FacesError: the faces have too few different ages.
    """
    if len(after) < _FACES:
        return
    given = len(np.unique(after.round(2)))
    if given < _LEAST_AGES:
        raise ModelFileError(
            f"the converted model gives {given} different ages to {len(after)} faces of {where}, "
            f"from {after.min():.1f} to {after.max():.1f} years, expected {_LEAST_AGES} or more; "
            "it hardly looks at its input: check its weights, its input's normalisation "
            "(--normalise) and the calibration faces"
        )
    known = {(label.years, label.bin) for label in labels if label.has_age}
    if known and len(known) < _LEAST_AGES:
        raise FacesError(
            f"the faces of {where} have {len(known)} different ages, expected {_LEAST_AGES} or "
            "more; what a conversion costs cannot be measured on them: give faces of all ages "
            "with --eval-faces"
        )


def age_errors(years: Years, labels: Sequence[Label]) -> Years:
    """Absolute error of each age in years: the distance to the true age, or outside its bin."""
    return np.array([_error(float(age), label) for age, label in zip(years, labels, strict=True)])


def _error(age: float, label: Label) -> float:
    if label.years is not None:
        return abs(age - label.years)
    assert label.bin is not None
    return label.bin.distance(age)
