"""A face detector of the user's: its contract, its ranges and its int8 file."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceage_calibration.choose import choose_stratified
from faceage_calibration.compose import compose_scenes
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges
from faceage_calibration.recorder import RecordingInterpreter
from faceage_convert.conversion import (
    Converted,
    finish,
    quantized_contract,
    to_quantized,
    verified,
)
from faceage_convert.detector_agreement import Agreement, Seen, agreement, faces_seen
from faceage_convert.embed import embed_contract
from faceage_convert.foreign_import import float_foreign
from faceage_convert.golden_outputs import with_golden
from faceage_convert.provenance import tool_versions
from faceage_convert.score_ranges import clip_scores
from faceage_convert.shipped import convert_shipped
from faceage_edge.contract import Contract, Crop, Input
from faceage_edge.detector import detector_of, load_detector
from faceage_edge.embedded import METADATA_NAME, model_digest, read_contract
from faceage_edge.errors import ContractError, FacesError, ModelFileError
from faceage_edge.flatbuffer import ModelFile, read_model_file
from faceage_edge.model import Model, read_model_bytes
from faceage_models.detector_families import family_of
from faceage_models.float_source import FloatSource
from faceage_models.naming import check_name, name_of
from faceage_models.ssd_post_process import take_apart
from faceage_models.stated import read_stated
from faceage_models.tflite_constants import fold_constants
from faceage_models.tflite_dilation import fold_dilations
from faceage_models.tflite_fusion import fuse_relu

__all__ = ["convert_detector", "import_detector"]

# As many as make the ranges of the shipped detectors settle; more take longer and move nothing.
_MOST_FACES = 400
_FEWEST_FACES = 20
# Small faces bring what larger ones do not.
_MIN_FACE = 20.0
# Scenes that float and int8 are compared on: a hundred faces and more, held in memory.
_COMPARED = 60
# How much of each tensor's recorded extremes is kept: the rarest hundredth, tenth, half is cut.
_SHARES = (0.99, 0.9, 0.5)
# Below it the user should know.
_LEAST_SHARE = 0.9
_LENT = "mtcnn/mtcnn-onet.float32.tflite"


def import_detector(
    path: Path, stated: Path | None = None, size: tuple[int, int] | None = None
) -> FloatSource:
    """Read a face detector and give it its contract.

    Args:
        path: a .tflite file, float or quantized already; or a float .onnx.
        stated: a contract that says what it is; without it, it is known by its outputs.
        size: width and height for an .onnx of pictures of an open size.

    Returns:
        The model with its contract embedded.

    Raises:
        ModelFileError: no .tflite, a damaged one, a detector that is not known, or an .onnx that
            cannot be converted or answers otherwise as .tflite.
        FaceageError: the environment that reads .onnx cannot be made.
        ContractError: the stated contract does not fit it, or it carries one of another task.
    """
    data, provenance = _read(path, size)
    if METADATA_NAME in read_model_file(data, str(path)).metadata:
        return _carried(data, path, stated)
    data = _tidied(data, path)
    model = read_model_file(data, str(path))
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise ModelFileError(
            f"{path} takes {[one.shape for one in model.inputs]}, expected one picture (1, height, "
            "width, 3)"
        )
    contract, assumed = (
        _described(model, path) if stated is None else (_stated(stated, model, path), ())
    )
    # Types and scales as the file has them: it may be quantized already.
    contract = quantized_contract(replace(contract, provenance=provenance), data, str(path))
    data, contract = with_golden(data, contract, str(path))
    return FloatSource(data, contract, path, assumed)


def convert_detector(source: FloatSource, scheme: str, faces: Path | None) -> list[Converted]:
    """Convert a detector, and add the network that lends it landmarks where it has none.

    Args:
        source: from `import_detector`.
        scheme: `int8`, or `none` for the file as it is.
        faces: crops of faces to compose scenes of, for the ranges; not needed for `none` nor for a
            file that is quantized already.

    Raises:
        FacesError: too few faces, or none given.
        ModelFileError: the model cannot be quantized, or fails verification.
    """
    detector = source.contract.detector
    assert detector is not None
    lends = detector.anchors is None or detector.anchors.points == "none"
    lent = [convert_shipped(_LENT, scheme)] if lends else []
    if scheme == "none" or source.contract.input.dtype != "float32":
        return [verified(Converted(source.data, source.contract, source)), *lent]
    if detector.stage == "boxes":
        bare, contract = take_apart(source.data, source.contract, str(source.path))
        data, contract = embed_contract(bare, contract, str(source.path))
        source = replace(source, data=data, contract=contract)
    if faces is None:
        raise FacesError(f"{source.path} needs faces to record its ranges on; give --faces PATH")
    return [finish(_to_int8(source, faces)), *lent]


def _read(path: Path, size: tuple[int, int] | None) -> tuple[bytes, dict[str, Any]]:
    """A detector's .tflite, and where it comes from."""
    if path.suffix.lower() != ".onnx":
        data = read_model_bytes(path)
        return data, {"source_digest": model_digest(data, str(path)), "tools": tool_versions()}
    imported = float_foreign(path, size)
    provenance: dict[str, Any] = {"source_digest": imported.source_digest}
    provenance["tools"] = tool_versions()
    if imported.difference is not None:
        provenance["import_difference"] = float(f"{imported.difference:.2g}")
    return imported.data, provenance


def _carried(data: bytes, path: Path, stated: Path | None) -> FloatSource:
    contract = read_contract(data, str(path))
    if contract.detector is None or contract.detector.stage not in ("anchors", "boxes"):
        raise ContractError(
            f"{path} carries the contract of an {contract.task} model that is no whole detector in "
            "one file; --detector takes one, or the name of a shipped detector"
        )
    if stated is not None:
        raise ContractError(f"{path} carries its own contract; leave --detector-contract out")
    return FloatSource(data, contract, path)


def _tidied(data: bytes, path: Path) -> bytes:
    """The graph with what can be folded folded; one that is quantized stays as it is."""
    where = str(path)
    if read_model_file(data, where).inputs[0].dtype != "float32":
        return data
    return fuse_relu(fold_dilations(fold_constants(data, where), where), where)


def _described(model: ModelFile, path: Path) -> tuple[Contract, tuple[str, ...]]:
    family = family_of(model, str(path))
    picture = model.inputs[0]
    batch, height, width, _ = picture.shape
    note = f"{path.name} is taken for {family.name} by its outputs, with its published constants"
    print(f"note: {note} (--detector-contract states others)", file=sys.stderr)
    contract = Contract(
        task="face-detector",
        name=check_name(name_of(path)),
        licence="not stated",
        input=Input(
            name=picture.name, batch=batch, height=height, width=width, colour=family.colour,
            dtype=picture.dtype, scale=picture.scales[0] if picture.scales else 1.0,
            zero_point=picture.zero_points[0] if picture.zero_points else 0,
            normalisation=family.normalisation,
        ),
        crop=Crop("frame"),
        outputs=family.outputs,
        detector=family.stage,
    )  # fmt: skip
    return contract, (f"{note} (--detector-contract)",)


def _stated(stated: Path, model: ModelFile, path: Path) -> Contract:
    defaults = {"name": name_of(path), "licence": "not stated", "crop": {"kind": "frame"}}
    contract, _ = read_stated(stated, model, defaults, task="face-detector")
    return contract


def _to_int8(source: FloatSource, path: Path) -> Converted:
    """Quantize, cutting as many of the rarest activations as agrees best with the float model.

    Some networks answer background with numbers a hundred times those for faces. Cutting them
    costs a good network nothing much and saves such a one; which it is, scenes tell.
    """
    stage = source.contract.detector
    assert stage is not None
    faces = _chosen(path)
    kept: list[Picture] = []
    recorder = RecordingInterpreter(source.data, str(source.path))
    detector = detector_of(
        {stage.stage: Model(source.contract, recorder, source.path)}, str(source.path)
    )
    progress = Progress("scenes for the detector's ranges: faces", len(faces.faces))
    for scene in _scenes(faces, progress):
        detector.detect(scene, min_face=_MIN_FACE)
        if len(kept) < _COMPARED:
            kept.append(scene)
    by_float = faces_seen(source.data, source.contract, kept)
    tried = [
        _attempt(source, recorder, share, Calibration.of(faces, faces.faces), kept, by_float)
        for share in _SHARES
    ]
    best, agreed = max(tried, key=lambda one: one[1].share)
    kind = "warning: int8 differs from float" if agreed.share < _LEAST_SHARE else "note: int8"
    print(f"{kind}: {agreed.words()}", file=sys.stderr)
    provenance = {**best.contract.provenance, "measured": agreed.document()}
    return replace(best, contract=replace(best.contract, provenance=provenance))


def _attempt(
    source: FloatSource,
    recorder: RecordingInterpreter,
    share: float,
    calibration: Calibration,
    scenes: list[Picture],
    by_float: Seen,
) -> tuple[Converted, Agreement]:
    where = str(source.path)
    cut = clip_scores(source.data, source.contract, recorder.trimmed(share), where)
    digest = source.contract.model_digest
    made = to_quantized(source, Ranges(digest, dict(cut), calibration, recorder.means))
    return made, agreement(by_float, faces_seen(made.data, made.contract, scenes))


def _chosen(path: Path) -> FaceSet:
    faces = read_faces(path, labelled=False)
    if len(faces.faces) < _FEWEST_FACES:
        raise FacesError(
            f"{path} holds {len(faces.faces)} faces, expected {_FEWEST_FACES} or more: scenes are "
            "composed of them to record a detector's ranges on"
        )
    return faces.only(choose_stratified(faces, min(len(faces.faces), _MOST_FACES)))


def _scenes(faces: FaceSet, progress: Progress) -> Iterator[Picture]:
    # Where the face is in a chip, the reference detector says, whichever detector is recorded.
    cache = LandmarkCache(load_detector("mtcnn", scheme="float32"))
    done = 0
    for scene in compose_scenes(faces, cache.find_face, seed=0):
        yield scene.frame
        done += len(scene.faces)
        progress(done)
