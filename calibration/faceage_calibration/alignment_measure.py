"""Measure how faces lie in the pictures of a source: the median of what a detector finds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceage_calibration.choose import choose_stratified
from faceage_calibration.faces import FaceSet
from faceage_calibration.landmarks import FaceDetector, find_landmarks
from faceage_edge.atomic import write_text
from faceage_edge.errors import FacesError, OutputError
from faceage_edge.geometry import Points

__all__ = ["MeasuredAlignment", "add_to_file", "measure_alignment"]


@dataclass(frozen=True)
class MeasuredAlignment:
    """The median landmarks of a source's pictures and what they were measured on.

    `points` float64 (5, 2), and `deviation` the same for half the distance between their 16th and
    84th percentile, both in pixels of pictures of `width` x `height`. `n` faces were found and
    used, `missed` were not found; `detector` is the detector's digest, `faces` that of the faces
    looked at.
    """

    width: int
    height: int
    points: Points
    deviation: Points
    n: int
    missed: int
    seed: int
    detector: str
    faces: str

    def to_json(self) -> dict[str, Any]:
        """The entry of alignment.json, in pixels to two decimals."""
        return {
            "width": self.width,
            "height": self.height,
            "landmarks": self.points.round(2).tolist(),
            "deviation": self.deviation.round(2).tolist(),
            "n": self.n,
            "missed": self.missed,
            "seed": self.seed,
            "detector": self.detector,
            "faces": self.faces,
        }


def measure_alignment(
    faces: FaceSet,
    detector: FaceDetector,
    *,
    count: int = 3000,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> MeasuredAlignment:
    """Find the landmarks of a stratified choice of faces and take their medians.

    The median, because a detector now and then takes an ear for an eye.

    Args:
        faces: a set whose pictures all have the same size.
        detector: finds the faces.
        count: how many faces to look at.
        seed: of the choice.
        progress: called with the number of faces done, after each.

    Raises:
        FacesError: pictures of several sizes, one that cannot be decoded, or no face found.
    """
    chosen = choose_stratified(faces, count, seed=seed)
    size: tuple[int, ...] | None = None
    found = []
    for number, face in enumerate(chosen):
        picture = face.picture()
        if picture.shape[:2] != (size := size or picture.shape[:2]):
            raise FacesError(
                f"{face.name} is {picture.shape[1]} x {picture.shape[0]} pixels, others in "
                f"{faces.path} are {size[1]} x {size[0]}; an alignment is of pictures of one size"
            )
        landmarks = find_landmarks(picture, detector)
        if landmarks is not None:
            found.append(landmarks.points)
        if progress is not None:
            progress(number + 1)
    if not found or size is None:
        raise FacesError(f"the detector found no face in any of {len(chosen):,} pictures")
    low, median, high = np.percentile(np.stack(found), (16, 50, 84), axis=0)
    return MeasuredAlignment(
        width=size[1],
        height=size[0],
        points=median,
        deviation=(high - low) / 2,
        n=len(found),
        missed=len(chosen) - len(found),
        seed=seed,
        detector=detector.digest,
        faces=faces.only(chosen).digest,
    )


def add_to_file(path: Path, source: str, measured: MeasuredAlignment) -> None:
    """Put an entry into an alignment file and leave its other entries as they are.

    Raises:
        OutputError: the file exists and is no alignment file, or cannot be written.
    """
    entries: dict[str, Any] = {}
    try:
        if path.exists():
            entries = dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            f"{path} exists and is no alignment file ({error}); choose another name"
        ) from error
    entries[source] = measured.to_json()
    lines = [f" {json.dumps(name)}: {_entry(entry)}" for name, entry in sorted(entries.items())]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _entry(entry: dict[str, Any]) -> str:
    """One field a line, so that a new measurement shows what changed."""
    fields = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in entry.items()]
    return "{\n" + ",\n".join(fields) + "\n }"
