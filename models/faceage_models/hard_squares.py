"""Squares that the finder takes for faces and that are none: what the aligner has to refuse."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from faceage_calibration.compose import Scene, compose_scenes
from faceage_calibration.faces import FaceSet
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture
from faceage_edge.candidates import patches, squared
from faceage_edge.detector import load_detector
from faceage_edge.model import load_model
from faceage_edge.nms import overlap
from faceage_edge.single_shot import SingleShot
from faceage_models.aligner_network import ALIGNER_SIDE

__all__ = ["hard_squares"]

# The finder's own threshold would let through too few to learn from.
_LOGIT = -3.0
# Overlap with a face's box below which a square shows none.
_BESIDE = 0.1


def hard_squares(
    faces: FaceSet, finder: Path, backgrounds: Sequence[Picture], *, scenes: int, seed: int
) -> list[Picture]:
    """Run the finder over composed scenes and collect what it proposes beside the faces.

    Args:
        faces: the training part.
        finder: its .tflite with a contract.
        backgrounds: pictures without faces, uint8 BGR.
        scenes: how many to compose, 640 x 480.
        seed: of the scenes.

    Returns:
        Crops, uint8 (48, 48, 3), BGR.

    Raises:
        ModelFileError: the finder is missing or damaged.
        ContractError: it is no single-shot network.
    """
    model = load_model(finder)
    stage = model.contract.detector
    if stage is not None:
        loose = replace(stage, logit_threshold=_LOGIT)
        model.contract = replace(model.contract, detector=loose)
    shot = SingleShot(model)
    cache = LandmarkCache(load_detector("mtcnn", scheme="float32"))
    composed = compose_scenes(faces, cache.find_face, seed=seed, backgrounds=backgrounds)
    found: list[Picture] = []
    for scene in islice(composed, scenes):
        squares = squared(shot.propose(scene.frame).boxes)
        beside = squares[[_is_beside(square, scene) for square in squares]]
        found += list(patches(scene.frame, beside, (ALIGNER_SIDE, ALIGNER_SIDE)))
    return found


def _is_beside(square: np.ndarray, scene: Scene) -> bool:
    boxes = [
        (face.box.x, face.box.y, face.box.x + face.box.width, face.box.y + face.box.height)
        for face in scene.faces
    ]
    return not boxes or float(overlap(square, np.array(boxes)).max()) < _BESIDE
