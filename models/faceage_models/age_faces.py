"""Faces to train an age model on: cut once with room around, cut anew for every step.

The landmarks are those of the detector that the device runs, so that training sees the crops that
the camera will give; small shifts, turns and sizes stand for what that detector's answers vary by.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.crops import FaceCropper, crop_all
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.labels import Label
from faceage_calibration.progress import Progress
from faceage_edge.detector import Detector
from faceage_edge.errors import FacesError
from faceage_edge.geometry import CropTemplate

__all__ = [
    "GENDERS",
    "TrainingFaces",
    "as_inputs",
    "label_genders",
    "label_spans",
    "middle",
    "read_training_faces",
    "with_room",
]

# Room on each side of the crop, as a share of it: what shifts, turns and sizes can bring in.
ROOM = 0.15
# What a label may state, in the order of a gender output's two numbers.
GENDERS = ("male", "female")
_OLDEST = 120.0
_FEWEST = 20

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class TrainingFaces:
    """`canvases` uint8 (n, side, side, 3), BGR, with `ROOM` around the crop of `template`; `spans`
    float64 (n, 2) low and high age in years; `digests` of the pictures; `genders` float32 (n,), as
    `label_genders` gives them."""

    template: CropTemplate
    canvases: Pictures
    spans: NDArray[np.float64]
    digests: tuple[str, ...]
    genders: NDArray[np.float32]

    def only(self, kept: NDArray[np.bool_]) -> "TrainingFaces":
        """Those of a mask."""
        digests = tuple(one for one, keep in zip(self.digests, kept, strict=True) if keep)
        return TrainingFaces(
            self.template, self.canvases[kept], self.spans[kept], digests, self.genders[kept]
        )

    def joined(self, other: "TrainingFaces") -> "TrainingFaces":
        """Both together."""
        return TrainingFaces(
            self.template,
            np.concatenate([self.canvases, other.canvases]),
            np.concatenate([self.spans, other.spans]),
            self.digests + other.digests,
            np.concatenate([self.genders, other.genders]),
        )


def label_spans(labels: Sequence[Label]) -> NDArray[np.float64]:
    """Ages as spans: float64 (n, 2), low and high in years, alike where the age is exact.

    A bin's upper end does not belong to it: who is 29 and a half is 29. Open bins end at 120.

    Raises:
        FacesError: a label has no age.
    """
    spans = np.empty((len(labels), 2))
    for row, label in zip(spans, labels, strict=True):
        if label.years is not None:
            row[:] = label.years
        elif label.bin is not None:
            row[:] = label.bin.low, min(label.bin.high, _OLDEST) - 1
        else:
            raise FacesError("a face without an age cannot teach one; label it or take it out")
    return spans


def label_genders(labels: Sequence[Label]) -> NDArray[np.float32]:
    """Genders as numbers into `GENDERS`, float32 (n,); NaN where none of them is stated."""
    known = {name: number for number, name in enumerate(GENDERS)}
    return np.array([known.get(label.gender or "", np.nan) for label in labels], np.float32)


def with_room(template: CropTemplate) -> CropTemplate:
    """The template of a canvas: the same size of face with `ROOM` on each side."""
    x, y = round(template.width * ROOM), round(template.height * ROOM)
    return CropTemplate(template.width + 2 * x, template.height + 2 * y, template.points + (x, y))


def read_training_faces(
    paths: Sequence[Path],
    template: CropTemplate,
    detector: Detector,
    *,
    exclude: Collection[str] = (),
    share: float = 1.0,
    seed: int = 0,
    choosing: bool = False,
) -> TrainingFaces:
    """Read sets, cut their faces, and leave out what may not be learnt from.

    Of sets that come without exact ages (FairFace), only the training part of `digest_split` is
    taken, or, to choose by, its choice part: the rest is for figures.

    Args:
        paths: folders or tar archives.
        template: of the model's crop.
        detector: finds the faces; those it misses go through the set's own alignment.
        exclude: names or digests of pictures to leave out.
        share: of the faces, chosen by the seed: for trying things.
        seed: of that choice.
        choosing: these faces are not to learn from but to choose by.

    Raises:
        FacesError: a set cannot be read, or fewer than twenty faces or a single age are left.
    """
    parts = []
    for path in paths:
        faces = _allowed(read_faces(path), exclude, choosing)
        kept = np.random.default_rng(seed).random(len(faces.faces)) < share
        faces = faces.only([one for one, keep in zip(faces.faces, kept, strict=True) if keep])
        cropper = FaceCropper(with_room(template), mode="detect", detector=detector)
        canvases, _ = crop_all(faces, cropper, Progress(f"faces of {path.name}", len(faces.faces)))
        labels = [face.label for face in faces.faces]
        digests = tuple(face.digest for face in faces.faces)
        parts.append(
            TrainingFaces(template, canvases, label_spans(labels), digests, label_genders(labels))
        )
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.joined(part)
    check_faces(whole, paths)
    return whole


def _allowed(faces: FaceSet, exclude: Collection[str], choosing: bool) -> FaceSet:
    if not any(face.label.years is not None for face in faces.faces):
        parts = split_by_digest(faces)
        faces = parts.choice if choosing else parts.train
    left = [f for f in faces.faces if f.name not in exclude and f.digest not in exclude]
    return faces.only(left)


def check_faces(faces: TrainingFaces, paths: Sequence[Path]) -> None:
    """Hold that faces are enough, and of different ages.

    Args:
        faces: cut.
        paths: where they came from, for the message.

    Raises:
        FacesError: fewer than twenty faces, or a single age.
    """
    where = ", ".join(str(path) for path in paths)
    if len(faces.spans) < _FEWEST:
        raise FacesError(
            f"{where}: {len(faces.spans)} faces are left to train on, expected {_FEWEST} at least"
        )
    if (faces.spans == faces.spans[0]).all():
        raise FacesError(
            f"{where}: every face has the same age ({faces.spans[0][0]:g}); a model of age needs "
            "faces of different ages"
        )


def as_inputs(crops: Pictures) -> NDArray[np.float32]:
    """Crops, uint8 (n, height, width, 3), BGR, as the model takes them: RGB, (u8 - 128) / 128."""
    return np.asarray((crops[..., ::-1].astype(np.float32) - 128) / 128, np.float32)


def middle(canvases: Pictures, template: CropTemplate) -> Pictures:
    """The crops in the middle of canvases, as the device would cut them."""
    x, y = round(template.width * ROOM), round(template.height * ROOM)
    return canvases[:, y : y + template.height, x : x + template.width]
