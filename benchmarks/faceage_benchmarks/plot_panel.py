"""A square panel with two equal axes, drawn with OpenCV."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["BLUE", "ORANGE", "Panel", "Picture"]

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Okabe and Ito's palette, told apart by the colour-blind; BGR.
BLUE: Colour = (178, 114, 0)
ORANGE: Colour = (0, 94, 213)
_INK: Colour = (40, 40, 40)
_GREY: Colour = (200, 200, 200)

_SIDE = 800
_LEFT, _RIGHT, _TOP, _BOTTOM = 120, 30, 70, 110
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Capitals of 18 pixels, 9 when the picture is shown at half its size.
_SCALE = 0.85
_STROKE = 2
_DOT = 8


class Panel:
    """A panel of 800 x 800 pixels that both of its axes share one range of; y points up."""

    def __init__(
        self, *, title: str, across: str, up: str, low: float, high: float, step: float
    ) -> None:
        """Draw the axes.

        Args:
            title: above the panel.
            across: what the horizontal axis is, with its unit.
            up: what the vertical axis is, with its unit.
            low: first value of both axes.
            high: last value of both axes.
            step: between two grid lines.
        """
        self.picture: Picture = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
        self._low, self._high = low, high
        for value in np.arange(low, high + step / 2, step):
            self._grid(float(value))
        self._text(title, (_SIDE + _LEFT - _RIGHT) // 2, 42)
        self._text(across, (_SIDE + _LEFT - _RIGHT) // 2, _SIDE - 24)
        self._text_upwards(up)

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """Return a point's (column, row) in pixels of the panel; beyond the axes, their edge."""
        share_x, share_y = (
            (np.clip(value, self._low, self._high) - self._low) / (self._high - self._low)
            for value in (x, y)
        )
        column = _LEFT + share_x * (_SIDE - _LEFT - _RIGHT)
        row = _SIDE - _BOTTOM - share_y * (_SIDE - _TOP - _BOTTOM)
        return round(float(column)), round(float(row))

    def diagonal(self) -> None:
        """Draw where both axes agree."""
        ends = [self.pixel(value, value) for value in (self._low, self._high)]
        cv2.line(self.picture, ends[0], ends[1], _INK, 1, cv2.LINE_AA)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Join points (x, y) of the axes and dot each."""
        pixels = [self.pixel(x, y) for x, y in points]
        for start, end in pairwise(pixels):
            cv2.line(self.picture, start, end, colour, _STROKE, cv2.LINE_AA)
        for x, y in points:
            self.dot(x, y, colour)

    def dot(self, x: float, y: float, colour: Colour) -> None:
        """Mark a point of the axes."""
        cv2.circle(self.picture, self.pixel(x, y), _DOT, colour, cv2.FILLED, cv2.LINE_AA)

    def bar(self, x: float, low: float, high: float, colour: Colour) -> None:
        """Draw an upright bar with end strokes from `low` to `high` at x."""
        below, above = self.pixel(x, low), self.pixel(x, high)
        cv2.line(self.picture, below, above, colour, _STROKE, cv2.LINE_AA)
        for column, row in (below, above):
            ends = (column - _DOT, row), (column + _DOT, row)
            cv2.line(self.picture, *ends, colour, _STROKE, cv2.LINE_AA)

    def legend(self, entries: Sequence[tuple[Colour, str]]) -> None:
        """Explain colours, at the top left of the panel, where y > x leaves room."""
        for number, (colour, text) in enumerate(entries):
            row = _TOP + 30 + 32 * number
            cv2.circle(self.picture, (_LEFT + 22, row), _DOT, colour, cv2.FILLED, cv2.LINE_AA)
            place = (_LEFT + 42, row + 7)
            cv2.putText(self.picture, text, place, _FONT, 0.68, _INK, 1, cv2.LINE_AA)

    def _grid(self, value: float) -> None:
        left, right = self.pixel(self._low, value), self.pixel(self._high, value)
        lower, upper = self.pixel(value, self._low), self.pixel(value, self._high)
        cv2.line(self.picture, left, right, _GREY, 1)
        cv2.line(self.picture, lower, upper, _GREY, 1)
        label = f"{value:g}"
        wide = _width(label)
        self._text(label, left[0] - 14 - wide // 2, left[1] + 8)
        self._text(label, lower[0], lower[1] + 34)

    def _text(self, text: str, middle: int, base: int) -> None:
        _write(self.picture, text, middle, base)

    def _text_upwards(self, text: str) -> None:
        # OpenCV writes from left to right only: written on a strip that is then turned.
        strip = np.full((40, _SIDE, 3), 255, np.uint8)
        _write(strip, text, (_SIDE + _BOTTOM - _TOP) // 2, 28)
        self.picture[:, 4:44] = np.rot90(strip)


def _write(picture: Picture, text: str, middle: int, base: int) -> None:
    place = (middle - _width(text) // 2, base)
    cv2.putText(picture, text, place, _FONT, _SCALE, _INK, _STROKE, cv2.LINE_AA)


def _width(text: str) -> int:
    return cv2.getTextSize(text, _FONT, _SCALE, _STROKE)[0][0]
