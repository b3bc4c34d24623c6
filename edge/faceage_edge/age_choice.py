"""Which crops deserve a run of the age model.

A person's age does not change while they stand there, but what the model says of it does, from
frame to frame: by half a year for a large sharp face, by eight for a small or blurred one. So a
crop is read for what it can still change. A face whose readings agree is settled after a few; one
whose readings scatter is read at the stated rate until its mean holds still; and a crop far better
than those before is worth a reading at any time. Choosing the best crops alone would not do: they
are of one moment, and their mean is years off that of all.

Size, pose and score cost nothing and are asked first; sharpness needs the crop, so that of the last
one is expected until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faceage_edge.crop import align
from faceage_edge.frames import Picture
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.sharpness import sharpness
from faceage_edge.tracking import Track, quality

__all__ = ["AgeChoice", "AgePolicy", "Chosen"]

# Frames of a camera come some milliseconds early or late, and are not to miss their turn for it.
_EARLY_S = 0.005


@dataclass(frozen=True)
class AgePolicy:
    """How often ages are read.

    `every_s`: seconds between two looks at one person's crop, at least; 0 reads every crop.
    `worth_years`: a reading is taken at that rate if it would move the age by so much. One worth
    less waits longer by the square of the ratio, since by the square a reading's worth counts in
    the variance of the mean.

    Of a face whose readings deviate by 1 year some 11 are read in two seconds and 20 in ten; by 6
    years, some 25 and 60.
    """

    every_s: float = 0.08
    worth_years: float = 0.2


@dataclass(frozen=True)
class Chosen:
    """A crop to be read: whose, uint8 (height, width, 3) BGR, and its quality."""

    track: Track
    crop: Picture
    quality: float


class AgeChoice:
    """Chooses crops for one age model's template."""

    def __init__(self, template: CropTemplate, policy: AgePolicy) -> None:
        self._template = template
        self._side = float(max(template.width, template.height))
        self._policy = policy

    def choose(
        self, picture: Picture, faces: Sequence[Face], tracks: Sequence[Track], time_s: float
    ) -> list[Chosen]:
        """Choose the crops of a frame that are to be read.

        Args:
            picture: uint8 (height, width, 3), BGR.
            faces: its faces.
            tracks: the track of each; a track without any reading is always chosen.
            time_s: when, in seconds of the source.
        """
        chosen = []
        for face, track in zip(faces, tracks, strict=True):
            waited_s = time_s - track.tried_s
            if not self._due(track, waited_s, quality(face, self._side, track.sharpness)):
                continue
            crop = align(picture, face.landmarks, self._template)
            track.tried_s, track.sharpness = time_s, sharpness(crop)
            found = quality(face, self._side, track.sharpness)
            if self._due(track, waited_s, found):
                chosen.append(Chosen(track, crop, found))
        return chosen

    def _due(self, track: Track, waited_s: float, expected: float) -> bool:
        """Whether a crop of that quality is to be read by now; the first of a track always is."""
        lack = self._policy.worth_years / track.age.worth(expected)
        return waited_s + _EARLY_S >= self._policy.every_s * max(lack, 1.0) ** 2
