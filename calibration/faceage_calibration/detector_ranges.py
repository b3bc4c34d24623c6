"""Record a detector cascade's ranges: each network on what the ones before it pass on.

Scenes come from `compose`; the cascade runs on them as it would on a camera, at the smallest face
it is ever asked for, so that every network meets faces and the false candidates that look like
faces.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from faceage_calibration.pictures import Picture
from faceage_calibration.recorder import RecordingInterpreter, TensorRanges
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.model import Model, read_model_bytes
from faceage_edge.mtcnn import Mtcnn

__all__ = ["FloatStage", "find_float_stages", "record_detector_ranges"]

# Small faces bring small pyramid levels, candidates and textures that larger ones do not.
_MIN_FACE = 20.0
_STAGES = ("proposal", "refine", "output")


@dataclass(frozen=True)
class FloatStage:
    """One float network of a cascade: its file's bytes and contract."""

    path: Path
    data: bytes
    contract: Contract


def find_float_stages(folder: Path) -> tuple[FloatStage, FloatStage, FloatStage]:
    """Find the three float32 networks in a folder, in the order they run.

    Raises:
        ModelFileError: a file is damaged, or a network is missing or twice there.
        ContractError: a file has no contract.
    """
    found: dict[str, FloatStage] = {}
    for path in sorted(folder.glob("*.tflite")):
        data = read_model_bytes(path)
        sidecar = path.with_suffix(".json")
        beside = sidecar.read_bytes() if sidecar.is_file() else None
        contract = read_contract(data, str(path), sidecar=beside)
        if contract.detector is None or contract.input.dtype != "float32":
            continue
        stage = contract.detector.stage
        if stage in found:
            raise ModelFileError(
                f"{folder} holds two float32 {stage} networks, {found[stage].path.name} and "
                f"{path.name}; remove one"
            )
        found[stage] = FloatStage(path, data, contract)
    if missing := [stage for stage in _STAGES if stage not in found]:
        raise ModelFileError(
            f"{folder} lacks the detector's float32 {', '.join(missing)} network; "
            "give a folder with the float .tflite files of all three"
        )
    return found["proposal"], found["refine"], found["output"]


def record_detector_ranges(
    stages: tuple[FloatStage, FloatStage, FloatStage],
    frames: Iterable[Picture],
    *,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[TensorRanges, TensorRanges, TensorRanges]:
    """Run a float cascade over frames and record each network's ranges.

    Args:
        stages: the three networks in the order they run.
        frames: uint8 (height, width, 3), BGR.
        threads: CPU threads for one invoke.
        progress: called with the number of frames done, after each.

    Returns:
        The ranges of the three networks, in their order; see `ranges.record_ranges`.

    Raises:
        FacesError: no frames, or frames without one candidate face for the later networks.
        ModelFileError: a file is damaged.
    """
    recorders = [
        RecordingInterpreter(stage.data, str(stage.path), threads=threads) for stage in stages
    ]
    models = [
        Model(stage.contract, recorder, stage.path)
        for stage, recorder in zip(stages, recorders, strict=True)
    ]
    detector = Mtcnn(models[0], models[1], models[2])
    for number, frame in enumerate(frames):
        detector.detect(frame, min_face=_MIN_FACE)
        if progress is not None:
            progress(number + 1)
    for stage, recorder in zip(stages, recorders, strict=True):
        # Without candidates a network is run once on grey filler, all zeros to it.
        low, high = recorder.ranges.get(stage.contract.input.name, (0.0, 0.0))
        if low == high:
            raise FacesError(
                f"{stage.path.name} was given nothing to look at: no frames, or none with a face "
                "that the networks before it let pass; give pictures of faces"
            )
    return recorders[0].ranges, recorders[1].ranges, recorders[2].ranges
