"""Who is who from frame to frame, by where the faces are, and one age for each.

Greedy: the most certain pair of an old and a new box is joined first. Between two frames a face
moves little against its own size, so that more (motion models, appearance) would change few
pairs; a face that jumps further gets a new track, which costs certainty and no correctness.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from faceage_edge.fused_age import AgeReading, FusedAge
from faceage_edge.fused_gender import FusedGender
from faceage_edge.geometry import Face, FrameBox, FrameLandmarks, iou

__all__ = ["Track", "TrackedFace", "Tracker", "affinity", "frontality", "quality", "tracked"]

# Boxes that overlap this much are the same face: a box as large, moved by half its side, has 0.33.
_SURE_IOU = 0.3
# Boxes that hardly overlap may still be one face that moved between two slow frames: centres
# within 0.75 of the mean side, where a neighbour's face cannot be without hiding this one,
_NEAR = 0.75
# and sides within a factor, so that a face is not handed over to another at a different depth.
_SIDES = 1.5
# A face in profile shows half of what a frontal one shows, and is rarer in training: it counts
# this much.
_PROFILE = 0.25


@dataclass(frozen=True)
class TrackedFace:
    """A face of one frame, the track it belongs to, and the track's age so far.

    `box` and `landmarks` are in frame pixels as detected, and may reach beyond the frame's edge.
    `age`, `age_low`, `age_high` and `age_jitter` are years; the two ends are None for a model whose
    contract states no interval, the jitter for a track of which one crop was read. `gender` is the
    likeliest and its share, None where it is not asked for.
    """

    track: int
    box: FrameBox
    landmarks: FrameLandmarks
    score: float
    age: float
    age_low: float | None
    age_high: float | None
    age_jitter: float | None = None
    gender: tuple[str, float] | None = None


@dataclass
class Track:
    """A person while in view: where they were last seen, and their age so far.

    `tried_s` is when a crop was last looked at for its age, in the source's seconds, `sharpness`
    how sharp that was, as `quality` takes it.
    """

    number: int
    box: FrameBox
    seen_s: float
    age: FusedAge
    tried_s: float = -math.inf
    sharpness: float = 1.0
    misses: int = 0
    gender: FusedGender = field(default_factory=FusedGender)

    def read(self, reading: AgeReading, quality: float) -> None:
        """Take in what the age model said of a crop of that quality."""
        self.age = self.age.add(reading, quality)
        if reading.genders:
            self.gender = self.gender.add(reading.genders, quality)


class Tracker:
    """Gives faces their track numbers, from `first`, none used twice.

    A track ends when its face was not found for more than `memory_s` seconds and for more than
    `memory_frames` frames; the second keeps tracks alive where frames are seconds apart.
    """

    def __init__(
        self,
        *,
        memory_s: float = 1.0,
        memory_frames: int = 3,
        first: int = 1,
    ) -> None:
        self._memory_s = memory_s
        self._memory_frames = memory_frames
        self._tracks: list[Track] = []
        self._last_number = first - 1

    @property
    def last_number(self) -> int:
        """The number that was given last; the one before `first` if none was."""
        return self._last_number

    def forget(self) -> None:
        """End all tracks: whoever comes next is someone else."""
        self._tracks.clear()

    def join(self, faces: Sequence[Face], time_s: float) -> list[Track]:
        """Join the faces of a frame to tracks.

        Args:
            faces: the frame's faces.
            time_s: when, in seconds; does not decrease from call to call.

        Returns:
            The track of each face, in the same order. A new one has no age yet.
        """
        tracks = self._matched(faces, time_s)
        for face, track in zip(faces, tracks, strict=True):
            track.box, track.seen_s, track.misses = face.box, time_s, 0
        return tracks

    def _matched(self, faces: Sequence[Face], time_s: float) -> list[Track]:
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

    def _begin(self, face: Face, time_s: float) -> Track:
        self._last_number += 1
        track = Track(self._last_number, face.box, time_s, FusedAge())
        self._tracks.append(track)
        return track


def quality(face: Face, crop_side: float, sharpness: float = 1.0) -> float:
    """How much a crop of this face has to say of its age: how large, frontal, sharp and sure it is.

    Args:
        face: the detected face.
        crop_side: the side of the age model's crop in pixels; detail beyond it is lost anyway.
        sharpness: of the crop, 0 to 1; 1 where it is not known.

    Returns:
        The share of the crop's detail that the frame holds, times how frontal, times the
        sharpness, times the detector's score; above 0, at most the score.
    """
    side = math.sqrt(max(face.box.area, 0.0))
    detail = min(side / crop_side, 1.0)
    return max(detail * frontality(face.landmarks) * sharpness * face.score, 1e-6)


def frontality(landmarks: FrameLandmarks) -> float:
    """How much of a face looks into the camera, by where the nose is between the eyes.

    Args:
        landmarks: five points in frame pixels.

    Returns:
        1 for a nose midway between the eyes, along the line through both; a quarter for one at
        an eye or beyond, or for eyes that coincide. Nodding and leaning do not count.
    """
    # Plain numbers: for three points they are several times faster than arrays.
    (left_x, left_y), (right_x, right_y), (x, y) = landmarks.points[:3].tolist()
    across, down = right_x - left_x, right_y - left_y
    squared = across**2 + down**2
    if squared <= 0:
        return _PROFILE
    turned = abs(2 * ((x - left_x) * across + (y - left_y) * down) / squared - 1)
    return float(1 - (1 - _PROFILE) * min(turned, 1.0))


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
    (x, y), (other_x, other_y) = one.center, other.center
    side, other_side = math.sqrt(max(one.area, 0.0)), math.sqrt(max(other.area, 0.0))
    near = _NEAR * (side + other_side) / 2
    apart = math.hypot(x - other_x, y - other_y)
    if apart >= near or max(side, other_side) > _SIDES * min(side, other_side):
        return 0.0
    return 1.0 - apart / near


def _pairs(old: Sequence[FrameBox], new: Sequence[FrameBox]) -> list[tuple[int, int]]:
    """Pair boxes greedily, the surest first; indices into `old` and `new`, each at most once."""
    ranked = sorted(
        (-affinity(a, b), i, j)
        for i, a in enumerate(old)
        for j, b in enumerate(new)
        if _within_reach(a, b)
    )
    pairs: list[tuple[int, int]] = []
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for value, i, j in ranked:
        if value < 0 and i not in taken_old and j not in taken_new:
            pairs.append((i, j))
            taken_old.add(i)
            taken_new.add(j)
    return pairs


def _within_reach(one: FrameBox, other: FrameBox) -> bool:
    """Whether boxes may overlap or be near: most of a frame's pairs are not, for less than it takes
    to weigh them."""
    reach = max(one.width, one.height) + max(other.width, other.height)
    return (
        abs(2 * one.x + one.width - 2 * other.x - other.width) < reach
        and abs(2 * one.y + one.height - 2 * other.y - other.height) < reach
    )


def tracked(face: Face, track: Track) -> TrackedFace:
    """What is said of a face; its track has an age."""
    age = track.age.reading()
    return TrackedFace(
        track=track.number,
        box=face.box,
        landmarks=face.landmarks,
        score=face.score,
        age=age.years,
        age_low=age.low,
        age_high=age.high,
        age_jitter=track.age.jitter,
        gender=track.gender.likeliest(),
    )
