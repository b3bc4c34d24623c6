"""A user's own float model: its faces, its ranges, its int8 file and what that cost."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_calibration.choose import choose_stratified
from faceage_calibration.crops import CropMode, FaceCropper, crop_all
from faceage_calibration.faces import FaceSet, LabelledFace, check_disjoint, read_faces
from faceage_calibration.inputs import model_inputs
from faceage_calibration.intervals import faces_needed, fit_interval
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges, record_ranges
from faceage_convert.compare import Comparison, compare_ages
from faceage_convert.embed import embed_contract
from faceage_convert.golden_outputs import with_golden
from faceage_convert.specification import FloatSource, Hints, describe_float
from faceage_convert.static import Converted, finish, to_int8
from faceage_convert.verify import PICTURES, different_pictures
from faceage_edge.age import AgeModel
from faceage_edge.errors import FacesError
from faceage_edge.model import load_model_bytes
from faceage_edge.mtcnn import Mtcnn
from faceage_models.keras_file import float_tflite

__all__ = ["FaceChoice", "OwnResult", "choose_faces", "convert_own", "embed_float"]

Crops = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FaceChoice:
    """Faces to record ranges on, and others to measure on; no picture is in both."""

    calibration: FaceSet
    evaluation: FaceSet


@dataclass(frozen=True)
class OwnResult:
    """The int8 file, its ranges, and float against int8 on the evaluation faces, if any."""

    converted: Converted
    ranges: Ranges
    comparison: Comparison | None


def embed_float(path: Path, hints: Hints) -> FloatSource:
    """Read a float model of any accepted format and give it its contract.

    Raises:
        ModelFileError: no model of a known format, or damaged.
        UsageError: its head is unknown and was not said.
    """
    imported = float_tflite(path)
    source = describe_float(
        imported.data, path, replace(hints, rescaling=hints.rescaling or imported.rescaling)
    )
    if source.contract.model_digest:
        return source
    provenance = {**source.contract.provenance, "source_digest": imported.source_digest}
    contract = replace(source.contract, provenance=provenance)
    data, contract = with_golden(source.data, contract, str(path))
    return replace(source, data=data, contract=contract)


def choose_faces(
    faces_path: Path, evaluation_path: Path | None, *, names: str | None, count: int, most: int
) -> FaceChoice:
    """Choose calibration faces, stratified by age, gender and ethnicity, and evaluation faces.

    Args:
        faces_path: folder or tar of faces; labelled ones by name or labels.csv, others as they are.
        evaluation_path: a second set to measure on; None takes what is left of the first.
        names: naming convention, where names fit more than one.
        count: calibration faces; at most half of the set when it also serves for measuring.
        most: evaluation faces at most.

    Raises:
        FacesError: a set cannot be read, or the two share pictures.
    """
    faces = _read(faces_path, names)
    room = len(faces.faces) if evaluation_path else max(len(faces.faces) // 2, 1)
    chosen = choose_stratified(faces, min(count, room))
    calibration = faces.only(chosen)
    if evaluation_path is not None:
        evaluation = _read(evaluation_path, names)
        check_disjoint([face.digest for face in chosen], evaluation)
    else:
        taken = {face.digest for face in chosen}
        evaluation = faces.only([face for face in faces.faces if face.digest not in taken])
    if len(evaluation.faces) > most:
        evaluation = evaluation.only(choose_stratified(evaluation, most, seed=1))
    return FaceChoice(calibration, evaluation)


def _read(path: Path, names: str | None) -> FaceSet:
    try:
        return read_faces(path, names=names)
    except FacesError as labelled:
        # Unlabelled faces are enough for ranges; only a set whose pictures cannot be used at all
        # fails again. An ambiguous set is the user's to settle, not ours to use unlabelled.
        if names is not None or "--names" in str(labelled) or "labels.csv" in str(labelled):
            raise
        faces = read_faces(path, labelled=False)
        print(f"note: using the faces without labels ({labelled})", file=sys.stderr)
        return faces


def convert_own(
    source: FloatSource, faces: FaceChoice, detector: Mtcnn, mode: CropMode
) -> OwnResult:
    """Record ranges, quantize, fit an interval, verify and measure.

    Args:
        source: the float model with its contract embedded.
        faces: what to calibrate and measure on.
        detector: finds the faces for `detect` crops.
        mode: `aligned` or `detect`.
    """
    float_model = AgeModel(load_model_bytes(source.data, source.path))
    cropper = FaceCropper(float_model.template, mode=mode, detector=detector)
    crops, _ = _cropped(faces.calibration, cropper, "cropping calibration faces")
    ranges = _ranges(source, crops, faces.calibration)
    converted = _with_interval(to_int8(source, ranges), crops, faces.calibration.faces)
    measured_crops, found = _cropped(faces.evaluation, cropper, "cropping evaluation faces")
    comparison = None
    if len(measured_crops):
        comparison = compare_ages(
            float_model,
            _runnable(converted),
            measured_crops,
            faces.evaluation.faces,
            mode=mode,
            missed=int((~found).sum()),
        )
        converted = _with_measured(converted, comparison, faces.evaluation)
    probes = _probes(np.concatenate([crops, measured_crops]))
    return OwnResult(finish(converted, probes), ranges, comparison)


def _cropped(
    faces: FaceSet, cropper: FaceCropper, what: str
) -> tuple[Crops, npt.NDArray[np.bool_]]:
    return crop_all(faces, cropper, Progress(what, len(faces.faces)))


def _ranges(source: FloatSource, crops: Crops, faces: FaceSet) -> Ranges:
    batches = -(-len(crops) // source.contract.input.batch)
    tensors = record_ranges(
        source.data,
        model_inputs(source.contract.input, crops),
        where=str(source.path),
        threads=2,
        progress=Progress("recording ranges", batches),
    )
    calibration = Calibration.of(faces, faces.faces)
    return Ranges(source.contract.model_digest, tensors, calibration)


def _runnable(converted: Converted) -> AgeModel:
    data, _ = embed_contract(converted.data, converted.contract, converted.file_name)
    return AgeModel(load_model_bytes(data, Path(converted.file_name)))


def _with_interval(
    converted: Converted, crops: Crops, faces: tuple[LabelledFace, ...], coverage: float = 0.9
) -> Converted:
    """Fit the interval on the int8 file's own ages of the calibration faces, which the float
    model must not have been trained on."""
    exact = [i for i, face in enumerate(faces) if face.label.years is not None]
    if len(exact) < faces_needed(coverage):
        return converted
    ages = _runnable(converted).estimate(crops[exact])
    true = np.array([faces[i].label.years for i in exact], dtype=np.float64)
    interval = fit_interval(true, ages.years, ages.spread, coverage=coverage)
    return replace(converted, contract=replace(converted.contract, interval=interval))


def _with_measured(converted: Converted, comparison: Comparison, faces: FaceSet) -> Converted:
    figures = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(comparison).items()
        if value is not None
    }
    measured = {**figures, "set": faces.path.name, "set_digest": faces.digest}
    provenance = {**converted.contract.provenance, "measured": _rounded(measured)}
    return replace(converted, contract=replace(converted.contract, provenance=provenance))


def _rounded(figures: dict[str, object]) -> dict[str, object]:
    """Years to four decimals: a thousandth of a year is below any interval stated here."""
    return {
        key: [round(v, 4) for v in value]
        if isinstance(value, list)
        else round(value, 4)
        if isinstance(value, float)
        else value
        for key, value in figures.items()
    }


def _probes(crops: Crops) -> Crops:
    """Twenty crops in shuffled order; drawn pictures make up for what is missing."""
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(crops))[:PICTURES]
    drawn = different_pictures(*crops.shape[1:3])
    return np.concatenate([crops[order], drawn])[:PICTURES]
