"""Who is who from frame to frame, by where the faces are, and one age for each.

Greedy: the most certain pair of an old and a new box is joined first. Between two frames a face
moves little against its own size, so that more (motion models, appearance) would change few
pairs; a face that jumps further gets a new track, which costs certainty and no correctness.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from faceage_edge.fused_age import AgeReading, FusedAge
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks

__all__ = ["TrackedFace", "Tracker", "affinity", "iou", "quality"]

# Boxes that overlap this much are the same face: a box as large, moved by half its side, has 0.33.
_SURE_IOU = 0.3
# Boxes that hardly overlap may still be one face that moved between two slow frames: centres
# within 0.75 of the mean side, where a neighbour's face cannot be without hiding this one,
_NEAR = 0.75
# and sides within a factor, so that a face is not handed over to another at a different depth.
_SIDES = 1.5


@dataclass(frozen=True)
class TrackedFace:
    """A face of one frame, the track it belongs to, and the track's age so far.

    `box` and `landmarks` are in frame pixels as detected, and may reach beyond the frame's edge.
    `age`, `age_low` and `age_high` are years; the two ends are None for a model whose contract
    states no interval.
    """

    track: int
    box: FrameBox
    landmarks: FrameLandmarks
    score: float
    age: float
    age_low: float | None
    age_high: float | None


@dataclass
class _Track:
    number: int
    box: FrameBox
    seen_s: float
    misses: int = 0
    age: FusedAge = field(default_factory=FusedAge)


class Tracker:
    """Gives faces their track numbers, from 1, none used twice.

    `crop_side` is the side of the age model's crop in pixels: a face that fills it is as good as
    one that is larger still. A track ends when its face was not found for more than `memory_s`
    seconds and for more than `memory_frames` frames; the second keeps tracks alive where
    frames are seconds apart.
    """

    def __init__(self, crop_side: float, *, memory_s: float = 1.0, memory_frames: int = 3) -> None:
        self._crop_side = crop_side
        self._memory_s = memory_s
        self._memory_frames = memory_frames
        self._tracks: list[_Track] = []
        self._last_number = 0

    def forget(self) -> None:
        """End all tracks: whoever comes next is someone else."""
        self._tracks.clear()

    def update(
        self, faces: Sequence[Face], readings: Sequence[AgeReading], time_s: float
    ) -> tuple[TrackedFace, ...]:
        """Join the faces of a frame to tracks and their ages to the tracks' ages.

        Args:
            faces: the frame's faces.
            readings: the age of each, in the same order.
            time_s: when, in seconds; does not decrease from call to call.

        Returns:
            The faces in the same order, with track numbers and fused ages.
        """
        tracks = self._matched(faces, time_s)
        tracked = []
        for face, reading, track in zip(faces, readings, tracks, strict=True):
            track.box, track.seen_s, track.misses = face.box, time_s, 0
            track.age = track.age.add(reading, quality(face, self._crop_side))
            tracked.append(_tracked(face, track))
        return tuple(tracked)

    def _matched(self, faces: Sequence[Face], time_s: float) -> list[_Track]:
        """The track of each face, a new one where none fits; ages and drops the others."""
        pairs = _pairs([track.box for track in self._tracks], [face.box for face in faces])
        of_face = {new: self._tracks[old] for old, new in pairs}
        matched = {id(track) for track in of_face.values()}
        for track in self._tracks:
            track.misses += id(track) not in matched
        self._tracks = [
            track
            for track in self._tracks
            if track.misses <= self._memory_frames or time_s - track.seen_s <= self._memory_s
        ]
        return [
            of_face[index] if index in of_face else self._begin(face, time_s)
            for index, face in enumerate(faces)
        ]

    def _begin(self, face: Face, time_s: float) -> _Track:
        self._last_number += 1
        track = _Track(self._last_number, face.box, time_s)
        self._tracks.append(track)
        return track


def quality(face: Face, crop_side: float) -> float:
    """How much a crop of this face has to say of its age.

    Args:
        face: the detected face.
        crop_side: the side of the age model's crop in pixels; detail beyond it is lost anyway.

    Returns:
        The share of the crop's detail that the frame holds times the detector's score; above 0,
        at most the score.
    """
    side = math.sqrt(max(face.box.area, 0.0))
    return max(min(side / crop_side, 1.0) * face.score, 1e-6)


def iou(one: FrameBox, other: FrameBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0.0) * max(height, 0.0)
    union = one.area + other.area - shared
    return shared / union if union > 0 else 0.0


def affinity(one: FrameBox, other: FrameBox) -> float:
    """How sure it is that two boxes of successive frames hold the same face.

    Args:
        one: in frame pixels.
        other: in frame pixels of another frame of the same size.

    Returns:
        1 to 2 for boxes that overlap, 0 to 1 for boxes that are only near, 0 for others.
    """
    overlap = iou(one, other)
    if overlap >= _SURE_IOU:
        return 1.0 + overlap
    sides = sorted(math.sqrt(max(box.area, 0.0)) for box in (one, other))
    if sides[0] <= 0 or sides[1] > _SIDES * sides[0]:
        return 0.0
    (x, y), (other_x, other_y) = one.center, other.center
    apart = math.hypot(x - other_x, y - other_y) / (sum(sides) / 2)
    return max(1.0 - apart / _NEAR, 0.0)


def _pairs(old: Sequence[FrameBox], new: Sequence[FrameBox]) -> list[tuple[int, int]]:
    """Pair boxes greedily, the surest first; indices into `old` and `new`, each at most once."""
    ranked = sorted(
        ((affinity(a, b), i, j) for i, a in enumerate(old) for j, b in enumerate(new)),
        key=lambda entry: (-entry[0], entry[1], entry[2]),
    )
    pairs: list[tuple[int, int]] = []
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for value, i, j in ranked:
        if value > 0 and i not in taken_old and j not in taken_new:
            pairs.append((i, j))
            taken_old.add(i)
            taken_new.add(j)
    return pairs


def _tracked(face: Face, track: _Track) -> TrackedFace:
    age = track.age.reading()
    return TrackedFace(
        track=track.number,
        box=face.box,
        landmarks=face.landmarks,
        score=face.score,
        age=age.years,
        age_low=age.low,
        age_high=age.high,
    )
