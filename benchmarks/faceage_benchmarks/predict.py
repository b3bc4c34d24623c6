"""From labelled faces to predicted ages, chunk by chunk, one model or two on the same crops."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceage_benchmarks.opened import OpenedModel, Pictures
from faceage_calibration.crops import FaceCrop
from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_edge.age import Ages, decode_ages
from faceage_edge.contract import AGE_HEADS, Contract
from faceage_edge.errors import ContractError, FacesError
from faceage_edge.geometry import CropTemplate

__all__ = ["AgePredictor", "age_predictor", "measure_faces", "same_template"]

# 128 crops of 128 x 128 pixels are 6 MB: any set fits a small machine.
_FACES_AT_ONCE = 128
# Thousandths of a year: nine hours, far below any model's resolution.
_DECIMALS = 3


@dataclass(frozen=True)
class AgePredictor:
    """A model that says ages.

    Attributes:
        identity: the result file's `model`.
        contract: of the model.
        template: of the crops it wants.
        estimate: from crops, uint8 (n, height, width, 3) BGR, to ages.
    """

    identity: dict[str, Any]
    contract: Contract
    template: CropTemplate
    estimate: Callable[[Pictures], Ages]


def age_predictor(model: OpenedModel, *, decode: str = "sum") -> AgePredictor:
    """Wrap an opened model that says ages.

    Args:
        model: any opened model.
        decode: of a CORAL head, "sum" or "count".

    Raises:
        ContractError: the model says no age, or its crop is no landmark template.
    """
    contract = model.contract
    if contract.task != "age" or not any(out.head in AGE_HEADS for out in contract.outputs):
        raise ContractError(
            f"{model.identity['path']} is a {contract.task} model, expected one that says ages"
        )
    if contract.crop.template is None:
        raise ContractError(
            f"{model.identity['path']} wants crops by {contract.crop.kind}, this version measures "
            "models whose contract has a landmark template"
        )
    return AgePredictor(
        identity=model.identity,
        contract=contract,
        template=contract.crop.template,
        estimate=lambda crops: decode_ages(model.run(crops), contract, decode=decode),
    )


def same_template(first: AgePredictor, second: AgePredictor) -> bool:
    """Tell whether two models can be given identical crops."""
    ours, theirs = first.template, second.template
    size = (ours.width, ours.height) == (theirs.width, theirs.height)
    # A thousandth of a pixel: rounding in a contract's JSON, not another crop.
    return size and bool(np.allclose(ours.points, theirs.points, atol=1e-3))


def measure_faces(
    faces: Sequence[LabelledFace],
    crop: Callable[[LabelledFace], FaceCrop],
    predictor: AgePredictor,
    against: AgePredictor | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Crop and predict every face.

    Args:
        faces: labelled, all with exact ages or all with bins.
        crop: makes a face's crop and says whether the detector found it.
        predictor: the model.
        against: a second model that gets the very same crops.
        progress: told how many faces are done.

    Returns:
        The samples of an accuracy result, rounded to thousandths of a year: see age_figures.

    Raises:
        FacesError: exact ages and bins in one set, or a face without a label.
    """
    samples = _labels(faces)
    columns: dict[str, list[float]] = {"predicted": [], "low": [], "high": []}
    if against is not None:
        columns["against_predicted"] = []
    found: list[bool] = []
    for chunk in _chunks(faces):
        crops = [crop(face) for face in chunk]
        pictures = np.stack([item.picture for item in crops])
        ages = predictor.estimate(pictures)
        for key, values in (("predicted", ages.years), ("low", ages.low), ("high", ages.high)):
            columns[key] += _rounded(values)
        if against is not None:
            columns["against_predicted"] += _rounded(against.estimate(pictures).years)
        found += [bool(item.found) for item in crops]
        if progress is not None:
            progress(len(found))
    interval = predictor.contract.interval
    if interval is None:
        # Without a fitted interval the bounds are the head's spread, which covers nothing.
        del columns["low"], columns["high"]
    else:
        samples["nominal"] = interval.coverage
    return samples | columns | {"found": found}


def _labels(faces: Sequence[LabelledFace]) -> dict[str, Any]:
    bare = [face.name for face in faces if face.label.years is None and face.label.bin is None]
    if bare:
        raise FacesError(f"{len(bare)} faces have no age, such as {bare[0]}; nothing to measure")
    exact = [face.label.years is not None for face in faces]
    if any(exact) and not all(exact):
        raise FacesError(
            f"{sum(exact)} faces have exact ages and {len(exact) - sum(exact)} have bins; "
            "errors in years and distances from bins do not average, measure them apart"
        )
    true = [_true(face.label) for face in faces]
    return {
        "unit": "years" if all(exact) else "bins",
        "faces": [face.digest[:12] for face in faces],
        "true": true,
        "gender": [face.label.gender for face in faces],
        "ethnicity": [face.label.ethnicity for face in faces],
    }


def _true(label: Label) -> float | list[float | None]:
    if label.years is not None:
        return round(float(label.years), _DECIMALS)
    assert label.bin is not None
    high = None if np.isinf(label.bin.high) else float(label.bin.high)
    return [float(label.bin.low), high]


def _chunks(faces: Sequence[LabelledFace]) -> Iterator[Sequence[LabelledFace]]:
    for start in range(0, len(faces), _FACES_AT_ONCE):
        yield faces[start : start + _FACES_AT_ONCE]


def _rounded(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return [round(float(value), _DECIMALS) for value in values]
