"""Which crops deserve a run of the age model.

A person's age does not change while they stand there, so a crop is read only where it can better
what is known: larger, sharper or more frontal than one of those that the age is made of. Size,
pose and score cost nothing and are asked first; sharpness needs the crop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faceage_edge.crop import align
from faceage_edge.frames import Picture
from faceage_edge.geometry import CropTemplate, Face
from faceage_edge.sharpness import sharpness
from faceage_edge.tracking import Track, quality

__all__ = ["AgeChoice", "AgePolicy", "Chosen"]


@dataclass(frozen=True)
class AgePolicy:
    """How often ages are read, and how many readings an age is made of.

    `keep`: the best readings of a track that its age is the mean of; None reads and keeps all.
    `every_s`: seconds between the first two looks at one person's crop, at least. Each reading adds
    a twelfth of it: what one more can change gets less.
    """

    keep: int | None = 12
    every_s: float = 0.2


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
            new = track.age.best is None
            if not new and not self._worth_a_look(face, track, time_s):
                continue
            track.tried_s = time_s
            crop = align(picture, face.landmarks, self._template)
            found = quality(face, self._side, sharpness(crop))
            if new or track.age.wants(found):
                chosen.append(Chosen(track, crop, found))
        return chosen

    def _worth_a_look(self, face: Face, track: Track, time_s: float) -> bool:
        if self._policy.keep is None:
            return True
        patience_s = self._policy.every_s * (1 + track.age.readings / 12)
        if time_s - track.tried_s < patience_s:
            return False
        return track.age.wants(quality(face, self._side))
