"""Where the faces of a frame are, at the least cost: full passes now and then, following between.

A full pass of the detector looks at the whole frame. Between two passes each face that moves costs
one call of the detector's last network, and one that rests not even that. When a pass is due:

- the first frame, a new scene, or a frame of another size;
- a face was lost, as long as losses are rare: a face at the edge of what the detector can see
  would otherwise cost a pass a frame; not so a new one that a single pass saw and that was lost
  before the next, which mostly was a mistake;
- after a loss a few frames later again: whoever turned away turns back;
- a few frames after a pass found somebody new: one pass misses a face that the next one finds;
- every so many frames while faces are followed, or every so many seconds where frames are few;
- in a scene without faces, soon after something moved, and rarely while nothing does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faceage_edge.candidates import usual_min_face
from faceage_edge.detector import Detector
from faceage_edge.follow import follow, predicted
from faceage_edge.frames import Picture
from faceage_edge.geometry import Face, FrameBox
from faceage_edge.resting import Rest, rests
from faceage_edge.stillness import Stillness

__all__ = ["EveryFrame", "PassPolicy", "SparsePasses"]

# Frames for which a face is looked at without asking whether it rests, at most: where the sensor is
# noisy that is asked in vain.
_IN_VAIN = 8
# Share of its width by which a box moves from frame to frame if the face does. That of one who
# keeps still swings by up to 0.03 in 99 of 100 frames (MTCNN's more than face-finder's); one who
# walks past moves by 0.07, and midway between their last two boxes the network would look a tenth
# of the face beside it and answer with too large a face, whose crop looks years younger.
_FAST = 0.05


@dataclass(frozen=True)
class PassPolicy:
    """When the whole frame is searched, in frames and in seconds of the source.

    `every` and `every_s`: between two passes while faces are followed, at most.
    `search` and `search_s`: between two passes while something moves and no face is in view;
    without success the distance grows to `search_most`.
    `again`: between two passes for `every` frames after a face was lost, and once after a new one.
    `idle`: between two passes over a scene without faces in which nothing moves.
    `losses`: passes because of lost faces that may follow each other; one more is earned every
    `search` frames.
    """

    every: int = 30
    every_s: float = 1.2
    search: int = 5
    search_s: float = 0.2
    search_most: int = 15
    again: int = 3
    idle: int = 120
    losses: int = 5


@dataclass(frozen=True)
class _Person:
    """A face as it was found last, and in the frame before; what its square showed; how often in a
    row it did not show it still, and for how many frames that is not asked again."""

    face: Face
    before: Face | None = None
    rest: Rest | None = None
    in_vain: int = 0
    pause: int = 0

    @property
    def resting(self) -> Rest | None:
        """What the square showed, if it is worth asking whether it shows it still."""
        if self.before is None or self.pause or not rests(self.before.box, self.face.box):
            return None
        return self.rest

    def followed(self, now: Face, rest: Rest | None) -> "_Person":
        """The same person in the next frame."""
        asked = self.resting
        if asked is None:
            return replace(
                self, face=now, before=self.face, rest=rest, pause=max(self.pause - 1, 0)
            )
        in_vain = 0 if rest is asked else self.in_vain + 1
        pause = min(max(in_vain - 1, 0), _IN_VAIN)
        return _Person(now, self.face, rest, in_vain, pause)


class EveryFrame:
    """A full pass over every frame."""

    def __init__(self, detector: Detector, *, min_face: float | None = None) -> None:
        self._detector = detector
        self._min_face = min_face
        self.passes = 0

    def find(self, picture: Picture, time_s: float, *, new_scene: bool) -> Sequence[Face]:  # noqa: ARG002
        """Find the faces of the next frame; see `SparsePasses.find`."""
        self.passes += 1
        return self._detector.detect(picture, min_face=self._min_face)


class SparsePasses:
    """Full passes by a policy, at most one call of the aligner a face between them.

    `min_face` is as for `Detector.detect`. `passes` counts the full passes so far.
    """

    def __init__(
        self, detector: Detector, *, min_face: float | None = None, policy: PassPolicy | None = None
    ) -> None:
        self._detector = detector
        self._min_face = min_face
        self._policy = policy or PassPolicy()
        self._stillness = Stillness()
        self._people: list[_Person] = []
        self._shape: tuple[int, ...] | None = None
        self._since, self._passed_s = 0, 0.0
        # Faces that were followed up to the last pass, if that looked for nobody who was lost.
        self._known = 0
        # Passes in a row that found nobody new, and frames for which a lost face is looked for.
        self._fruitless = self._searching = 0
        self._credit = float(self._policy.losses)
        self.passes = 0

    def find(self, picture: Picture, time_s: float, *, new_scene: bool) -> Sequence[Face]:
        """Find the faces of the next frame.

        Args:
            picture: uint8 (height, width, 3), BGR.
            time_s: when, in seconds of the source.
            new_scene: nothing of the frame before is to be expected in this one.

        Returns:
            The faces, the surest first.
        """
        policy = self._policy
        fresh = new_scene or picture.shape != self._shape
        self._shape = picture.shape
        self._since += 1
        self._searching = max(self._searching - 1, 0)
        self._credit = min(self._credit + 1 / policy.search, policy.losses)
        if fresh or self._due(picture, time_s):
            return self._pass(picture, time_s)
        if self._people and self._follow(picture) and not self._seen_once():
            self._searching = policy.every
            if self._credit >= 1:
                self._credit -= 1
                return self._pass(picture, time_s)
        return sorted((one.face for one in self._people), key=lambda face: -face.score)

    def _due(self, picture: Picture, time_s: float) -> bool:
        policy, since, since_s = self._policy, self._since, time_s - self._passed_s
        if self._people and not self._searching:
            return since >= policy.every or since_s >= policy.every_s
        if not self._people and self._stillness.still(picture, self._smallest(picture)):
            return since >= policy.idle
        patience = min(policy.search + self._fruitless, policy.search_most)
        if self._searching:
            patience = policy.again
        return since >= patience or since_s >= policy.search_s * patience / policy.search

    def _pass(self, picture: Picture, time_s: float) -> Sequence[Face]:
        policy, known = self._policy, len(self._people)
        self._known = 0 if self._searching else known
        faces = self._detector.detect(picture, min_face=self._min_face)
        self._people = [_Person(face) for face in faces]
        self.passes += 1
        self._since, self._passed_s = 0, time_s
        more = len(faces) - known
        self._fruitless = 0 if more > 0 else self._fruitless + 1
        if more:
            # Missed by this pass, a face is lost as if it could not be followed.
            self._searching = policy.search + 1 if more > 0 else policy.every
        elif self._searching <= policy.search:
            self._searching = 0
        self._stillness.keep(picture)
        return faces

    def _follow(self, picture: Picture) -> bool:
        """Move every face on to this frame; whether one was lost, which then is gone."""
        people = self._people
        result = follow(
            self._detector.aligner,
            picture,
            [one.face for one in people],
            [_expected(one.before, one.face) for one in people],
            [one.resting for one in people],
        )
        self._people = [
            one.followed(now, rest)
            for one, now, rest in zip(people, result.faces, result.rests, strict=True)
            if now is not None
        ]
        return result.needs_pass

    def _seen_once(self) -> bool:
        """Whether who was lost was new and seen by the last pass alone: all others are there.

        A few frames after that pass there is another, and from then on nobody is new.
        """
        return 0 < self._known <= len(self._people)

    def _smallest(self, picture: Picture) -> float:
        return usual_min_face(picture) if self._min_face is None else self._min_face


def _expected(before: Face | None, last: Face) -> FrameBox:
    """Where a face is looked for: where a moving one goes, else midway between its last two boxes.

    Asked again at its own answer, a network may swing between two boxes for ever, and each swing
    is another crop and another age; halfway between them it comes to rest.
    """
    if before is None:
        return last.box
    (x, y), (last_x, last_y) = before.box.center, last.box.center
    if max(abs(last_x - x), abs(last_y - y)) > _FAST * last.box.width:
        return predicted(before, last)
    one, other = before.box, last.box
    return FrameBox(
        (one.x + other.x) / 2, (one.y + other.y) / 2,
        (one.width + other.width) / 2, (one.height + other.height) / 2,
    )  # fmt: skip
