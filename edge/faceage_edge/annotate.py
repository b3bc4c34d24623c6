"""Draw a frame's result on a copy of the frame."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.result import FrameResult
from faceage_edge.tracking import TrackedFace

__all__ = ["annotated", "label"]

Picture = npt.NDArray[np.uint8]
_Rectangle = tuple[int, int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of a capital letter at scale 1, in pixels (cv2.getTextSize).
_CAPITAL = 21
# Letters take this share of the frame's shorter side, so that they are read at any size at which
# the whole frame is seen; below 8 pixels this font's strokes run together.
_LETTERS, _LEAST_LETTERS = 1 / 40, 8.0
# Colours of the tracks in turn, BGR: the Okabe-Ito palette, told apart by colour-blind people
# too, without its black.
_COLOURS = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
# White on nearly black is read over any picture; the track's colour frames it.
_BACKING, _INK = (24, 24, 24), (255, 255, 255)


def label(face: TrackedFace) -> str:
    """The words beside a face: track, age, the interval where there is one, gender if asked for."""
    text = f"#{face.track}: {face.age:.0f}"
    if face.age_low is not None and face.age_high is not None:
        text += f" ({face.age_low:.0f}-{face.age_high:.0f})"
    if face.gender is not None:
        text += f", {face.gender[0]} {face.gender[1]:.0%}"
    return text


def annotated(picture: Picture, result: FrameResult) -> Picture:
    """Draw boxes, landmarks and labels.

    Args:
        picture: uint8 (height, width, 3), BGR; unchanged.
        result: of this picture.

    Returns:
        A new picture of the same size. Labels stay inside it, and off each other and off faces
        where they can.
    """
    canvas = picture.copy()
    for face in result.faces:
        _draw_face(canvas, face)
    taken = [_corners(face) for face in result.faces]
    for face in result.faces:
        taken.append(_draw_label(canvas, face, taken))
    return canvas


def _letters(canvas: Picture) -> float:
    return max(float(min(canvas.shape[:2])) * _LETTERS, _LEAST_LETTERS)


def _draw_face(canvas: Picture, face: TrackedFace) -> None:
    colour = _COLOURS[(face.track - 1) % len(_COLOURS)]
    line = max(1, round(_letters(canvas) / 7))
    left, top, right, bottom = _corners(face)
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, line, cv2.LINE_AA)
    dot = max(1, round(face.box.width / 40))
    for x, y in face.landmarks.points:
        cv2.circle(canvas, (round(x), round(y)), dot, colour, cv2.FILLED, cv2.LINE_AA)


def _corners(face: TrackedFace) -> _Rectangle:
    box = face.box
    return round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height)


def _draw_label(canvas: Picture, face: TrackedFace, taken: Sequence[_Rectangle]) -> _Rectangle:
    text = label(face)
    height, width = canvas.shape[:2]
    scale = _letters(canvas) / _CAPITAL
    (wide, _), _ = cv2.getTextSize(text, _FONT, scale, 1)
    # A narrow picture (a single small portrait) still shows the whole label.
    scale = min(scale, scale * width * 0.94 / wide)
    stroke = max(1, round(scale * 1.6))
    (wide, tall), below = cv2.getTextSize(text, _FONT, scale, stroke)
    margin = max(2, tall // 3)
    size = (wide + 2 * margin, tall + below + margin)
    place = _place(_corners(face), size, (width, height), taken)
    left, top, right, bottom = place
    colour = _COLOURS[(face.track - 1) % len(_COLOURS)]
    cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), _BACKING, cv2.FILLED)
    cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), colour, 1)
    origin = (left + margin, bottom - below)
    cv2.putText(canvas, text, origin, _FONT, scale, _INK, stroke, cv2.LINE_AA)
    return place


def _place(
    face: _Rectangle, size: tuple[int, int], frame: tuple[int, int], taken: Sequence[_Rectangle]
) -> _Rectangle:
    """Above the box, else below it, else inside it: the first that hides least of `taken`."""
    left, top, right, bottom = face
    wide, tall = size
    middle = (left + right - wide) // 2
    candidates = [
        _inside((x, y, x + wide, y + tall), frame)
        for y in (top - tall - 1, bottom + 1, top + 1, bottom - tall - 1)
        for x in (left, middle, right - wide)
    ]
    return min(candidates, key=lambda place: sum(_shared(place, other) for other in taken))


def _inside(place: _Rectangle, frame: tuple[int, int]) -> _Rectangle:
    left, top, right, bottom = place
    x = min(max(left, 0), max(frame[0] - (right - left), 0))
    y = min(max(top, 0), max(frame[1] - (bottom - top), 0))
    return x, y, x + right - left, y + bottom - top


def _shared(one: _Rectangle, other: _Rectangle) -> int:
    """The area in both, in square pixels."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(tall, 0)
