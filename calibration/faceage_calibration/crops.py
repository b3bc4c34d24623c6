"""From the pictures of a set to a model's crops, the same way for every use of a set.

aligned   by the landmarks of the set's source (`alignment`): fast, the same for any detector
detect    by landmarks that a detector finds, as on the camera; a face it misses goes through
          `aligned`, and is counted
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from faceage_calibration.alignment import alignment_of
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.landmarks import FaceDetector
from faceage_calibration.pictures import Picture
from faceage_edge.crop import align
from faceage_edge.errors import UsageError
from faceage_edge.geometry import CropTemplate, FrameLandmarks

__all__ = ["CROP_MODES", "CropMode", "FaceCrop", "FaceCropper", "crop_all", "crop_sets"]

CropMode = Literal["aligned", "detect"]
CROP_MODES: tuple[CropMode, ...] = get_args(CropMode)


@dataclass(frozen=True)
class FaceCrop:
    """One crop: `picture` uint8 (template.height, template.width, 3), BGR; `found` is False only
    where a detector was asked and saw no face."""

    picture: Picture
    found: bool


class FaceCropper:
    """Makes crops for one model.

    Models whose contract asks for another kind of crop than a landmark template will bring their
    own place for a face; all that depends on it is `crop`.
    """

    def __init__(
        self,
        template: CropTemplate,
        *,
        mode: CropMode = "aligned",
        detector: FaceDetector | None = None,
        cache: LandmarkCache | None = None,
    ) -> None:
        """Prepare.

        Args:
            template: the crop that the model's contract states.
            mode: `aligned` or `detect`.
            detector: finds faces; needed for `detect`.
            cache: where its landmarks are remembered; by default the user's cache folder.

        Raises:
            UsageError: an unknown mode, or `detect` without a detector.
        """
        if mode not in CROP_MODES:
            raise UsageError(f"unknown crops {mode!r}; expected {' or '.join(CROP_MODES)}")
        if mode == "detect" and detector is None:
            raise UsageError("crops by detection need a face detector; name one with --detector")
        self.template = template
        self.mode = mode
        self._cache = None
        if mode == "detect" and detector is not None:
            self._cache = cache or LandmarkCache(detector)

    def crop(self, face: LabelledFace, alignment: str) -> FaceCrop:
        """Cut one face.

        Args:
            face: the face.
            alignment: `FaceSet.alignment` of its set.

        Raises:
            FacesError: the picture cannot be decoded.
        """
        picture = face.picture()
        landmarks = None
        if self._cache is not None:
            landmarks = self._cache.find(picture, face.digest)
        missed = self._cache is not None and landmarks is None
        return FaceCrop(
            align(picture, landmarks or _usual(picture, alignment), self.template), not missed
        )


def crop_all(
    faces: FaceSet, cropper: FaceCropper, progress: Callable[[int], None] | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Cut every face of a set.

    Args:
        faces: the set.
        cropper: cuts one.
        progress: called with the number of faces done, after each.

    Returns:
        Crops, uint8 (n, height, width, 3), BGR, in the set's order; and bool (n,), False where
        the detector missed the face.

    Raises:
        FacesError: a picture cannot be decoded.
    """
    template = cropper.template
    crops = np.empty((len(faces.faces), template.height, template.width, 3), dtype=np.uint8)
    found = np.empty(len(faces.faces), dtype=np.bool_)
    for number, face in enumerate(faces.faces):
        cut = cropper.crop(face, faces.alignment)
        crops[number], found[number] = cut.picture, cut.found
        if progress is not None:
            progress(number + 1)
    return crops, found


def crop_sets(
    sets: Sequence[FaceSet], cropper: FaceCropper, progress: Callable[[int], None] | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Cut every face of sets that may be aligned differently; otherwise as `crop_all`."""
    parts = []
    done = 0
    for faces in sets:
        before = done
        report = None if progress is None else lambda n, b=before: progress(b + n)
        parts.append(crop_all(faces, cropper, report))
        done += len(faces.faces)
    return (
        np.concatenate([crops for crops, _ in parts]),
        np.concatenate([found for _, found in parts]),
    )


def _usual(picture: Picture, alignment: str) -> FrameLandmarks:
    height, width = picture.shape[:2]
    return alignment_of(alignment).scaled_to(width, height)
