"""Made-up cut faces that tell where their pixels come from."""

import numpy as np

from faceage_edge.geometry import CropTemplate
from faceage_models.age_faces import TrainingFaces, with_room

TEMPLATE = CropTemplate(64, 64, np.array([[20, 25], [44, 25], [32, 37], [23, 48], [41, 48]], float))


def faces(count: int) -> TrainingFaces:
    """Canvases that count columns in blue and rows in green; face n is n years old,
    male, female and unknown in turn."""
    side = with_room(TEMPLATE).width
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[..., 0], canvas[..., 1] = np.arange(side), np.arange(side)[:, None]
    spans = np.repeat(np.arange(count, dtype=float)[:, None], 2, axis=1)
    digests = tuple(f"digest {number}" for number in range(count))
    genders = np.resize(np.array([0, 1, np.nan], np.float32), count)
    return TrainingFaces(TEMPLATE, np.repeat(canvas[None], count, axis=0), spans, digests, genders)
