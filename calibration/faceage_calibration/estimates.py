"""A model's ages of labelled faces, beside the true ones: what intervals and thresholds need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_calibration.chosen_sets import joined
from faceage_calibration.crops import FaceCropper, crop_sets
from faceage_calibration.faces import FaceSet
from faceage_calibration.progress import Progress
from faceage_edge.age import AgeModel, Ages
from faceage_edge.errors import FacesError

__all__ = ["Estimated", "estimated"]


@dataclass(frozen=True)
class Estimated:
    """The n `faces` with exact ages, how many of them a detector `missed`, their `true` ages,
    float64 (n,) in years, and the model's `ages`."""

    faces: FaceSet
    missed: int
    true: npt.NDArray[np.float64]
    ages: Ages


def estimated(sets: Sequence[FaceSet], model: AgeModel, cropper: FaceCropper) -> Estimated:
    """Cut the faces of sets that have exact ages, and ask a model.

    Args:
        sets: labelled; faces whose label is a bin are left out.
        model: what is asked.
        cropper: of the model's template.

    Raises:
        FacesError: none has an exact age, or a picture is damaged.
    """
    exact = tuple(one.only([f for f in one.faces if f.label.years is not None]) for one in sets)
    faces = joined(exact)
    if not faces.faces:
        names = ", ".join(str(one.path) for one in sets)
        raise FacesError(f"{names}: no exact ages, only spans; this needs faces with ages")
    crops, found = crop_sets(exact, cropper, Progress("crops", len(faces.faces)))
    true = np.array([face.label.years for face in faces.faces], dtype=np.float64)
    return Estimated(faces, int((~found).sum()), true, model.estimate(crops))
