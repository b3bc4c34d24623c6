"""The detectors that can be measured: ours by name, scheme or folder, the mtcnn package, peers."""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.bundles import find
from faceage_edge.detector import (
    Detector,
    detector_of,
    load_stages,
    named_detector,
    place_and_scheme,
    wanted_stages,
)
from faceage_edge.errors import UsageError, missing_extra
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = [
    "PACKAGE",
    "NamedDetector",
    "open_detector",
    "package_faces",
]

Frame = NDArray[np.uint8]

PACKAGE = "package"
# The package's default; from 21 on its own pyramid has levels below its 12-pixel window, which
# Keras 3.15 refuses with an exception.
_PACKAGE_MIN_FACE = 20
_POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class NamedDetector:
    """A detector as a measurement sees it.

    Attributes:
        name: column title in the result.
        digest: of its models, None where the models are inside another package.
        detect: from a frame, uint8 (height, width, 3) BGR, to its faces, surest first.
    """

    name: str
    digest: str | None
    detect: Callable[[Frame], list[Face]]


def open_detector(name: str, *, min_face: float, threads: int = 1) -> NamedDetector:
    """Open a detector by the name that the command line gives it.

    Args:
        name: "int8", "float32", "package", a shipped name or a folder, either with `:float32`
            behind it; or `rfb320=FILE.tflite` for a peer. `@P,Q` behind a name of ours passes
            candidates from the probabilities P, Q, ... of its networks on, in the order they run.
        min_face: side of the smallest face looked for, in pixels of the frame.
        threads: CPU threads; the package takes its own choice.

    Raises:
        ModelFileError: no such models, or damaged ones.
        MissingExtraError: the package is not installed.
        UsageError: the package cannot look for faces of that size.
    """
    if name == PACKAGE:
        return _package(min_face)
    peer, _, file = name.partition("=")
    if file:
        return _peer(peer, file, threads)
    own, _, thresholds = name.partition("@")
    detector = (
        _with_thresholds(own, _probabilities(thresholds, name), threads)
        if thresholds
        else named_detector(own, threads=threads)
    )
    return NamedDetector(
        name, detector.digest, lambda frame: detector.detect(frame, min_face=min_face)
    )


def _with_thresholds(own: str, probabilities: tuple[float, ...], threads: int) -> Detector:
    """Open one of ours with other thresholds than its contracts'."""
    place, scheme = place_and_scheme(own)
    stages = load_stages(place, scheme=scheme, threads=threads)
    wanted = wanted_stages(stages)
    if len(probabilities) != len(wanted):
        raise UsageError(
            f"{own} has {len(wanted)} networks ({', '.join(wanted)}), found "
            f"{len(probabilities)} probabilities behind @"
        )
    for name, probability in zip(wanted, probabilities, strict=True):
        if (model := stages.get(name)) is None or (stage := model.contract.detector) is None:
            continue
        stage = replace(stage, logit_threshold=math.log(probability / (1 - probability)))
        model.contract = replace(model.contract, detector=stage)
    return detector_of(stages, f"{place} lacks the {scheme} face detector's")


def _probabilities(text: str, name: str) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < 1 for value in values):
        raise UsageError(f"{name}: expected probabilities between 0 and 1 behind @, as @0.3,0.8")
    return values


def _peer(name: str, file: str, threads: int) -> NamedDetector:
    """Open a detector of others by its file in benchmarks/peers/, which only a checkout has."""
    path = Path(__file__).resolve().parents[1] / "peers" / f"{name}.py"
    if not name.isidentifier() or not path.is_file():
        files = sorted(path.parent.glob("*.py"))
        peers = [one.stem for one in files if "def open_peer(" in one.read_text("utf-8")]
        known = ", ".join(peers) or "none here"
        raise UsageError(f"no peer {name!r} to measure; those in a checkout's peers/: {known}")
    made = importlib.util.spec_from_file_location(f"faceage_peer_{name}", path)
    assert made is not None and made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    detect, digest = module.open_peer(find(file), threads)
    return NamedDetector(f"{name}-{Path(file).stem}", digest, detect)


def _package(min_face: float) -> NamedDetector:
    if min_face > _PACKAGE_MIN_FACE:
        raise UsageError(
            f"the mtcnn package fails with a smallest face above {_PACKAGE_MIN_FACE} pixels, "
            f"found --min-face {min_face:g}; measure all detectors at {_PACKAGE_MIN_FACE}"
        )
    # Looked for before TensorFlow, which takes seconds to import.
    if importlib.util.find_spec("mtcnn") is None:
        raise missing_extra("mtcnn", "bench")
    # Switches TensorFlow's start-up chatter off, and words its absence.
    from faceage_models.frameworks import import_tensorflow

    import_tensorflow()
    from mtcnn import MTCNN

    detector = MTCNN()
    return NamedDetector(
        PACKAGE, None, lambda frame: package_faces(detector, frame, min_face=min_face)
    )


def package_faces(detector: Any, frame: Frame, *, min_face: float) -> list[Face]:
    """Run the package's detector on a frame.

    Args:
        detector: an mtcnn.MTCNN.
        frame: uint8 (height, width, 3), BGR; the package wants RGB.
        min_face: in pixels of the frame.

    Returns:
        Its faces, the surest first.
    """
    rows = detector.detect_faces(np.ascontiguousarray(frame[..., ::-1]), min_face_size=min_face)
    faces = [
        Face(
            box=FrameBox(*(float(value) for value in row["box"])),
            landmarks=FrameLandmarks(
                np.array([row["keypoints"][point] for point in _POINTS], dtype=np.float64)
            ),
            score=float(row["confidence"]),
        )
        for row in rows
    ]
    return sorted(faces, key=lambda face: -face.score)
