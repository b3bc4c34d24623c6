"""Record a detector's ranges: each network on what the ones before it pass on.

Scenes come from `compose`; the detector runs on them as it would on a camera, at the smallest face
it is ever asked for, so that every network meets faces and the false candidates that look like
faces.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceage_calibration.pictures import Picture
from faceage_calibration.recorder import RecordingInterpreter, TensorMeans, TensorRanges
from faceage_edge.contract import Contract
from faceage_edge.detector import detector_of, wanted_stages
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FacesError, ModelFileError
from faceage_edge.model import Model, read_model_bytes

__all__ = ["FloatStage", "find_float_stages", "record_detector_ranges"]

# Small faces bring small pyramid levels, candidates and textures that larger ones do not.
_MIN_FACE = 20.0
_WHOLE = ("single-shot", "output")
# Of such a network the rarest hundredth of its pictures is cut: what is no face at all drives its
# last layers to twice what any face does, and would halve the steps left for landmarks.
_SHARE = 0.99


@dataclass(frozen=True)
class FloatStage:
    """One float network of a detector: its file's bytes and contract."""

    path: Path
    data: bytes
    contract: Contract


def find_float_stages(folder: Path) -> dict[str, FloatStage]:
    """Find the float32 networks of the one detector in a folder.

    Returns:
        The networks by stage, in the order they run.

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
    wanted = wanted_stages(found)
    if missing := [stage for stage in wanted if stage not in found]:
        raise ModelFileError(
            f"{folder} lacks the detector's float32 {', '.join(missing)} network; "
            "give a folder with the float .tflite files of all of them"
        )
    return {stage: found[stage] for stage in wanted}


def record_detector_ranges(
    stages: Mapping[str, FloatStage],
    frames: Iterable[Picture],
    *,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> dict[str, tuple[TensorRanges, TensorMeans]]:
    """Run a float detector over frames and record each network's ranges.

    Args:
        stages: its networks by stage.
        frames: uint8 (height, width, 3), BGR.
        threads: CPU threads for one invoke.
        progress: called with the number of frames done, after each.

    Returns:
        By stage, the ranges and, for networks that see one whole picture a call, the channels'
        means: a canvas or a batch that is half filler has no mean worth having.

    Raises:
        FacesError: no frames, or frames without one candidate face for the later networks.
        ModelFileError: a file is damaged.
    """
    recorders = {
        name: RecordingInterpreter(stage.data, str(stage.path), threads=threads)
        for name, stage in stages.items()
    }
    detector = detector_of(
        {name: Model(one.contract, recorders[name], one.path) for name, one in stages.items()},
        "the recording lacks the float32",
    )
    for number, frame in enumerate(frames):
        detector.detect(frame, min_face=_MIN_FACE)
        if progress is not None:
            progress(number + 1)
    for name, stage in stages.items():
        # Without candidates a network is run once on grey filler, all zeros to it, or never.
        low, high = recorders[name].ranges.get(stage.contract.input.name, (0.0, 0.0))
        if low == high:
            raise FacesError(
                f"{stage.path.name} was given nothing to look at: no frames, or none with a face "
                "that the networks before it let pass; give pictures of faces"
            )
    return {
        name: (recorder.trimmed(_SHARE), recorder.means)
        if name in _WHOLE
        else (recorder.ranges, {})
        for name, recorder in recorders.items()
    }
