"""Follow a face from one frame to the next with one call of the aligner.

Between full passes of the detector a tracked face costs one small network instead of a whole
frame. What can go wrong is that the box drifts: onto background, onto a neighbour, or off in
size. Each is recognised here, and then the face is given up for the next full pass to find.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceage_edge.aligner import Aligner
from faceage_edge.candidates import Frame
from faceage_edge.geometry import Face, FrameBox, iou
from faceage_edge.resting import Rest

__all__ = ["Followed", "follow", "is_plausible", "predicted"]

# A head does not come a third nearer from frame to frame: beyond, the box has jumped.
_MOST_SCALE = 1.3
# Of two boxes that overlap this much one has drifted onto the other's face.
_MERGED = 0.5
# Eyes are 0.2 to 0.75 of a box's width apart, from a three-quarter view to the widest face; the
# mouth lies below them by at least an eighth of the box's height, unless the head lies on its side.
_EYES, _MOUTH = (0.2, 0.75), 0.125
# The middle of the landmarks stays in the box's inner part.
_OFF_CENTRE = 0.3


@dataclass(frozen=True)
class Followed:
    """What became of the faces of the frame before.

    `faces` has one entry for each, in their order: the face now, or None where it was lost.
    `lost` says why, in the same order: an empty text, `score`, `geometry`, `scale` or `merged`.
    `rests` has what each face's square showed: the one that was given where it shows it still.
    """

    faces: tuple[Face | None, ...]
    lost: tuple[str, ...]
    rests: tuple[Rest | None, ...]

    @property
    def needs_pass(self) -> bool:
        """Whether a face was lost, so that a full pass is due."""
        return any(self.lost)


def follow(
    aligner: Aligner,
    frame: Frame,
    before: Sequence[Face],
    boxes: Sequence[FrameBox] | None = None,
    rests: Sequence[Rest | None] | None = None,
) -> Followed:
    """Look for faces where they should be by now.

    Args:
        aligner: the detector's last network.
        frame: uint8 (height, width, 3), BGR.
        before: the faces of the frame before.
        boxes: where each is expected, in pixels of this frame; None expects it where it was.
        rests: what the squares of those showed that may be resting: they stay where they are, and
            are not looked at, as long as theirs shows the same.

    Returns:
        What was found. A face whose score fell below the network's threshold, whose landmarks are
        no face's, whose size jumped by more than 1.3, or that merged with a surer one, is lost.
    """
    expected = [face.box for face in before] if boxes is None else boxes
    resting = [None] * len(before) if rests is None else rests
    steps = [
        (face, "", rest)
        if rest is not None and rest.lasts(aligner, frame)
        else _step(aligner, frame, face, box.squared)
        for face, box, rest in zip(before, expected, resting, strict=True)
    ]
    found: list[Face | None] = [face for face, _, _ in steps]
    lost = [why for _, why, _ in steps]
    for weaker in _merged(found):
        found[weaker], lost[weaker] = None, "merged"
    return Followed(tuple(found), tuple(lost), tuple(rest for _, _, rest in steps))


def _step(
    aligner: Aligner, frame: Frame, before: Face, square: FrameBox
) -> tuple[Face | None, str, Rest | None]:
    x, y, side = square.x, square.y, square.width
    seen = aligner.settle(frame, np.array([[x, y, x + side, y + side]]))
    if not seen:
        return None, "score", None
    (now,) = seen
    if not is_plausible(now):
        return None, "geometry", None
    ratio = (now.box.area / max(before.box.area, 1e-9)) ** 0.5
    if not 1 / _MOST_SCALE <= ratio <= _MOST_SCALE:
        return None, "scale", None
    return now, "", Rest(square, aligner.seen.copy())


def is_plausible(face: Face) -> bool:
    """Whether landmarks lie as those of an upright face do, in its box.

    Args:
        face: box and landmarks in the same frame.
    """
    # Plain numbers: for five points they are several times faster than arrays.
    box, points = face.box, face.landmarks.points.tolist()
    if box.width <= 0 or box.height <= 0:
        return False
    left, right, _, left_mouth, right_mouth = points
    apart = math.dist(left, right) / box.width
    below = (left_mouth[1] + right_mouth[1] - left[1] - right[1]) / 2 / box.height
    middle_x, middle_y = (sum(values) / len(points) + 0.5 for values in zip(*points, strict=True))
    x, y = box.center
    return bool(
        _EYES[0] <= apart <= _EYES[1]
        and below >= _MOUTH
        and left[0] < right[0]
        and abs(middle_x - x) <= _OFF_CENTRE * box.width
        and abs(middle_y - y) <= _OFF_CENTRE * box.height
    )


def predicted(before: Face, last: Face) -> FrameBox:
    """Where a face will be if it goes on as it went: the box after that of `last`.

    Args:
        before: the face two frames ago.
        last: the face one frame ago.
    """
    (x, y), (last_x, last_y) = before.box.center, last.box.center
    width, height = last.box.width, last.box.height
    return FrameBox(2 * last_x - x - width / 2, 2 * last_y - y - height / 2, width, height)


def _merged(found: Sequence[Face | None]) -> list[int]:
    """The weaker one of every two that overlap by more than half."""
    order = sorted(
        (index for index, face in enumerate(found) if face is not None),
        key=lambda index: (-_score(found[index]), index),
    )
    kept: list[int] = []
    weaker: list[int] = []
    for index in order:
        own = found[index]
        assert own is not None
        others = [found[other] for other in kept]
        if any(other is not None and iou(own.box, other.box) > _MERGED for other in others):
            weaker.append(index)
        else:
            kept.append(index)
    return weaker


def _score(face: Face | None) -> float:
    return 0.0 if face is None else face.score
