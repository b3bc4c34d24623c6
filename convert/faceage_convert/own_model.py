"""A user's own float model: its ranges, its int8 file and what that cost."""

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.crops import CropMode, FaceCropper, crop_all
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.inputs import model_inputs
from faceage_calibration.intervals import faces_needed, fit_interval
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges, record_activations
from faceage_calibration.shape_file import Shape
from faceage_convert.compare import Comparison, compare_ages
from faceage_convert.conversion import AgeResult, Converted, finish, to_int8
from faceage_convert.embed import embed_contract
from faceage_convert.faces import FaceChoice
from faceage_convert.verify import PICTURES
from faceage_edge.age import AgeModel
from faceage_edge.contract import AGE_HEADS
from faceage_edge.detector import Detector
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.interval import IntervalShape
from faceage_edge.model import load_model_bytes
from faceage_models.float_source import FloatSource

__all__ = ["convert_own"]

Crops = npt.NDArray[np.uint8]

# Share of faces whose true age the interval holds.
_COVERAGE = 0.9
_DIGITS = 10_000
# What tells a user that something is wrong, but tells a device nothing.
_REPORT_ONLY = ("youngest", "oldest")


def convert_own(
    source: FloatSource,
    faces: FaceChoice,
    mode: CropMode,
    detector: Detector | None,
    *,
    shape: Shape | None = None,
) -> AgeResult:
    """Record ranges, quantize, fit an interval, measure and verify.

    Args:
        source: the float model with its contract embedded.
        faces: what to calibrate and measure on.
        mode: `aligned` or `detect`.
        detector: finds the faces for `detect` crops.
        shape: of the interval; the same reach at every estimate if None.

    Raises:
        UsageError: the shape was fitted on estimates that another years curve had changed.
        ModelFileError: the model returns probabilities, cannot be quantized, or fails verification.
        FacesError: a picture is damaged.
    """
    _check_curve(source, shape)
    float_model = AgeModel(load_model_bytes(source.data, source.path))
    cropper = FaceCropper(float_model.template, mode=mode, detector=detector)
    crops, _ = _cropped(faces.calibration, cropper, "cropping calibration faces")
    ranges = _ranges(source, crops, faces.calibration)
    converted = to_int8(source, ranges)
    converted = _with_interval(
        converted, crops, faces.calibration.faces, None if shape is None else shape.interval
    )
    comparison = None
    if faces.evaluation.faces:
        comparison = _compared(float_model, _runnable(converted), faces.evaluation, cropper)
        converted = _with_measured(converted, comparison, faces.evaluation)
    return AgeResult(finish(converted, _shuffled(crops)), ranges, comparison)


def _check_curve(source: FloatSource, shape: Shape | None) -> None:
    if shape is None:
        return
    curve = next(o.years_curve for o in source.contract.outputs if o.head in AGE_HEADS)
    # A straight curve and none are the same.
    straight = all(decoded == stated for decoded, stated in shape.years_curve)
    if curve != shape.years_curve and not (straight and not curve):
        raise UsageError(
            f"the shape goes with the years_curve {list(map(list, shape.years_curve))}, "
            f"{source.path} has {list(map(list, curve)) or 'none'}; state the curve in --contract"
        )


def _cropped(
    faces: FaceSet, cropper: FaceCropper, what: str
) -> tuple[Crops, npt.NDArray[np.bool_]]:
    return crop_all(faces, cropper, Progress(what, len(faces.faces)))


def _ranges(source: FloatSource, crops: Crops, faces: FaceSet) -> Ranges:
    batches = -(-len(crops) // source.contract.input.batch)
    tensors, means = record_activations(
        source.data,
        model_inputs(source.contract.input, crops),
        where=str(source.path),
        threads=2,
        progress=Progress("recording ranges", batches),
    )
    _check_logits(source, tensors)
    calibration = Calibration.of(faces, faces.faces)
    return Ranges(source.contract.model_digest, tensors, calibration, means)


def _check_logits(source: FloatSource, tensors: dict[str, tuple[float, float]]) -> None:
    """Refuse probabilities where logits are decoded: they would all be read as near 0.5."""
    for output in source.contract.outputs:
        low, high = tensors.get(output.name, (0.0, 0.0))
        if output.head != "regression" and 0 <= low < high <= 1:
            raise ModelFileError(
                f"the output {output.name!r} of {source.path} stayed within {low:.3g} to "
                f"{high:.3g} on all faces, which looks like probabilities; a {output.head} head is "
                "decoded from logits: give the model without its last activation"
            )


def _runnable(converted: Converted) -> AgeModel:
    data, _ = embed_contract(converted.data, converted.contract, converted.file_name)
    return AgeModel(load_model_bytes(data, Path(converted.file_name)))


def _with_interval(
    converted: Converted,
    crops: Crops,
    faces: tuple[LabelledFace, ...],
    shape: IntervalShape | None,
) -> Converted:
    """Fit the interval on the int8 file's own ages of the calibration faces, which the float
    model must not have been trained on."""
    exact = [i for i, face in enumerate(faces) if face.label.years is not None]
    if len(exact) < faces_needed(_COVERAGE):
        return converted
    ages = _runnable(converted).estimate(crops[exact])
    true = np.array([faces[i].label.years for i in exact], dtype=np.float64)
    interval = fit_interval(true, ages.years, ages.spread, coverage=_COVERAGE, shape=shape)
    # Outwards, so that it covers what it did; digits beyond differ between machines.
    rounded = replace(
        interval,
        low=math.floor(interval.low * _DIGITS) / _DIGITS,
        high=math.ceil(interval.high * _DIGITS) / _DIGITS,
    )
    return replace(converted, contract=replace(converted.contract, interval=rounded))


def _compared(
    float_model: AgeModel, int8_model: AgeModel, faces: FaceSet, cropper: FaceCropper
) -> Comparison:
    crops, found = _cropped(faces, cropper, "cropping evaluation faces")
    return compare_ages(
        float_model,
        int8_model,
        crops,
        faces.faces,
        mode=cropper.mode,
        missed=int((~found).sum()),
    )


def _with_measured(converted: Converted, comparison: Comparison, faces: FaceSet) -> Converted:
    figures = {
        key: _rounded(value)
        for key, value in asdict(comparison).items()
        if value is not None and key not in _REPORT_ONLY
    }
    measured = {**figures, "set": faces.path.name, "set_digest": faces.digest}
    provenance = {**converted.contract.provenance, "measured": measured}
    return replace(converted, contract=replace(converted.contract, provenance=provenance))


def _rounded(figure: Any) -> Any:
    """Years to four decimals: below any interval stated here."""
    if isinstance(figure, tuple):
        return [_rounded(part) for part in figure]
    return round(figure, 4) if isinstance(figure, float) else figure


def _shuffled(crops: Crops) -> Crops:
    """Twenty of the crops, in an order that has nothing to do with ages."""
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(crops))
    return crops[order[:PICTURES]]
