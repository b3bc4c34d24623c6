"""From labelled faces to predicted ages, chunk by chunk, one model or two on the same crops."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.opened import OpenedModel, Pictures
from faceage_benchmarks.pictures_seen import interval_pictures
from faceage_calibration.crops import FaceCrop
from faceage_calibration.faces import LabelledFace
from faceage_calibration.labels import Label
from faceage_calibration.used_pictures import UsedPictures
from faceage_edge.age import Ages, decode_ages, decode_genders, group_shares
from faceage_edge.contract import AGE_HEADS, Contract, Output
from faceage_edge.errors import ContractError, FacesError
from faceage_edge.geometry import CropTemplate

__all__ = ["AgePredictor", "age_predictor", "measure_faces", "same_template"]

# 128 crops of 128 x 128 pixels are 6 MB: any set fits a small machine.
_FACES_AT_ONCE = 128
# Thousandths of a year: nine hours, far below any model's resolution.
_DECIMALS = 3
# Of a group's probability: ties between the likeliest two are as good as none.
_SHARE_DECIMALS = 4

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class AgePredictor:
    """A model that says ages.

    Attributes:
        identity: the result file's `model`.
        contract: of the model.
        template: of the crops it wants.
        run: from crops, uint8 (n, height, width, 3) BGR, to real values by output name.
        decode: of a CORAL head, "sum" or "count".
    """

    identity: dict[str, Any]
    contract: Contract
    template: CropTemplate
    run: Callable[[Pictures], dict[str, NDArray[np.float32]]]
    decode: str = "sum"

    @property
    def output(self) -> Output:
        """The output that says ages."""
        return next(one for one in self.contract.outputs if one.head in AGE_HEADS)

    @property
    def gender_labels(self) -> tuple[str, ...]:
        """What its output of gender tells apart; empty where it has none that says so."""
        found = (one.labels for one in self.contract.outputs if one.head == "gender")
        return next(found, ())

    def estimate(self, crops: Pictures) -> Ages:
        """Ages of crops, uint8 (n, height, width, 3), BGR."""
        return self.answers(crops)[0]

    def answers(self, crops: Pictures) -> tuple[Ages, Shares | None]:
        """The ages, with genders where the model says them, and how likely each age group is, (n,
        groups), where the head says that."""
        outputs = self.run(crops)
        ages = decode_ages(outputs, self.contract, decode=self.decode)
        ages = replace(ages, genders=decode_genders(outputs, self.contract))
        return ages, group_shares(outputs, self.contract)


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
        run=model.run,
        decode=decode,
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
        The samples of an accuracy result, rounded to thousandths of a year: see age_figures. Of a
        face that the model's interval was fitted on `low` and `high` are None.

    Raises:
        FacesError: exact ages and bins in one set, or a face without a label.
    """
    groups = predictor.output.bounds
    fitted = UsedPictures(interval_pictures(predictor.contract))
    samples = _labels(faces)
    if groups:
        samples["age_groups"] = {"bounds": [list(pair) for pair in groups]}
    if predictor.gender_labels:
        samples["gender_labels"] = list(predictor.gender_labels)
    columns: dict[str, list[Any]] = {"predicted": [], "low": [], "high": []}
    found: list[bool] = []
    for chunk in _chunks(faces):
        crops = [crop(face) for face in chunk]
        pictures = np.stack([item.picture for item in crops])
        ages = _note(columns, predictor, pictures, "", groups)
        for key, ends in (("low", ages.low), ("high", ages.high)):
            columns[key] += [
                None if face.digest in fitted else end
                for face, end in zip(chunk, _rounded(ends), strict=True)
            ]
        if against is not None:
            _note(columns, against, pictures, "against_", groups)
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


def _note(
    columns: dict[str, list[Any]],
    predictor: AgePredictor,
    pictures: Pictures,
    prefix: str,
    groups: tuple[tuple[float, float], ...],
) -> Ages:
    """Add a model's answers to the samples; of age groups, where it says these very groups, of
    gender where it says that."""
    ages, shares = predictor.answers(pictures)
    columns.setdefault(f"{prefix}predicted", []).extend(_rounded(ages.years))
    if shares is not None and predictor.output.bounds == groups:
        rows = [[round(float(share), _SHARE_DECIMALS) for share in row] for row in shares]
        columns.setdefault(f"{prefix}group_shares", []).extend(rows)
    if ages.genders:
        told = [max(shares, key=lambda label: shares[label]) for shares in ages.genders]
        columns.setdefault(f"{prefix}gender_told", []).extend(told)
    return ages


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
