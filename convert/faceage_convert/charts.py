"""Small charts as SVG text for the report: no script, colours from the page's own variables."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Span", "bars", "intervals", "scatter"]

# Units of the view box; the page scales the picture to its column.
_WIDTH, _HEIGHT = 420, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 12, 42
_ROW = 19


@dataclass(frozen=True)
class Span:
    """A value with its interval, under a label."""

    label: str
    value: float
    low: float
    high: float


def scatter(
    points: Sequence[tuple[float, float]], *, x: str, y: str, diagonal: bool, name: str
) -> str:
    """Draw points over two axes of years.

    Args:
        points: (x, y) in years, at least one.
        x: what the x axis is.
        y: what the y axis is.
        diagonal: both axes share their range, and x = y is drawn; otherwise y = 0 is.
        name: what the picture shows, for those who cannot see it.
    """
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    across = _axis(min(xs), max(xs))
    up = _axis(min(ys), max(ys))
    if diagonal:
        across = up = _axis(min(*xs, *ys), max(*xs, *ys))
    place_x = _placer(across, _LEFT, _WIDTH - _RIGHT)
    place_y = _placer(up, _HEIGHT - _BOTTOM, _TOP)
    # One path of round dots is a tenth of the bytes of as many circles.
    dots = "".join(f"M{place_x(a):.1f} {place_y(b):.1f}h0" for a, b in points)
    first, last = across[0], across[-1]
    ends = (first, last) if diagonal else (0.0, 0.0)
    line = (
        f'<path class="guide" d="M{place_x(first):.1f} {place_y(ends[0]):.1f}'
        f'L{place_x(last):.1f} {place_y(ends[1]):.1f}"/>'
    )
    if not diagonal and not up[0] <= 0 <= up[-1]:
        line = ""
    frame = _grid(across, up, place_x, place_y) + _titles(x, y)
    return _svg(f'{frame}{line}<path class="dots" d="{dots}"/>', _HEIGHT, name)


def intervals(spans: Sequence[Span], *, limit: float | None, x: str, name: str) -> str:
    """Draw values with their intervals, a row each, and a limit across.

    Args:
        spans: at least one.
        limit: where the dashed line stands; None for none.
        x: what the axis is.
        name: what the picture shows.
    """
    left = 78
    height = _TOP + _ROW * len(spans) + _BOTTOM
    marks = [0.0, *[end for span in spans for end in (span.low, span.high)]]
    ticks = _axis(min(marks), max([*marks, *([] if limit is None else [limit])]))
    place = _placer(ticks, left, _WIDTH - _RIGHT)
    bottom = height - _BOTTOM
    parts = [_vertical(ticks, place, _TOP, bottom)]
    for kind, value in (("zero", 0.0), ("limit", limit)):
        if value is not None:
            parts.append(f'<path class="{kind}" d="M{place(value):.1f} {_TOP}V{bottom}"/>')
    for row, span in enumerate(spans):
        middle = _TOP + _ROW * (row + 0.5)
        parts.append(
            f'<text x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">'
            f"{html.escape(span.label)}</text>"
            f'<path class="span" d="M{place(span.low):.1f} {middle:.1f}H{place(span.high):.1f}"/>'
            f'<path class="dot" d="M{place(span.value):.1f} {middle:.1f}h0"/>'
        )
    parts.append(_below(x, left, height))
    return _svg("".join(parts), height, name)


def bars(
    rows: Sequence[tuple[str, float]], *, x: str, name: str, marked: frozenset[str] = frozenset()
) -> str:
    """Draw a bar from 0 for each row; rows in `marked` stand out.

    Args:
        rows: (label, value >= 0), at least one.
        x: what the values are.
        name: what the picture shows.
        marked: labels of bars in the other colour.
    """
    left = 164
    height = _TOP + _ROW * len(rows) + _BOTTOM
    ticks = _axis(0.0, max(value for _, value in rows))
    place = _placer(ticks, left, _WIDTH - _RIGHT)
    parts = [_vertical(ticks, place, _TOP, height - _BOTTOM)]
    for row, (label, value) in enumerate(rows):
        top = _TOP + _ROW * row + 3
        kind = "bar marked" if label in marked else "bar"
        shown = label if len(label) <= 22 else f"…{label[-21:]}"
        parts.append(
            f'<text x="{left - 6}" y="{top + 11}" text-anchor="end">{html.escape(shown)}</text>'
            f'<path class="{kind}" d="M{left} {top}H{place(max(value, 0)):.1f}v{_ROW - 6}H{left}z">'
            f"<title>{html.escape(label)}: {value:.1f}</title></path>"
        )
    parts.append(_below(x, left, height))
    return _svg("".join(parts), height, name)


_Ticks = list[float]
_Place = Callable[[float], float]


def _axis(low: float, high: float) -> _Ticks:
    """Round ticks that hold both ends, four to eight of them."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / 5
    power = 10.0 ** (len(f"{int(raw)}") - 1 if raw >= 1 else -_zeros(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first, last = int(low // step), -int(-high // step)
    return [index * step for index in range(first, last + 1)]


def _zeros(value: float) -> int:
    """How many places behind the point the first digit other than 0 stands."""
    places = 0
    while value < 1:
        value, places = value * 10, places + 1
    return places


def _placer(ticks: _Ticks, start: float, end: float) -> _Place:
    """From a value on the axis to its place in the picture."""
    low, span = ticks[0], ticks[-1] - ticks[0]
    return lambda value: start + (value - low) / span * (end - start)


def _grid(across: _Ticks, up: _Ticks, place_x: _Place, place_y: _Place) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [_vertical(across, place_x, _TOP, bottom)]
    for tick in up:
        y = place_y(tick)
        parts.append(
            f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    return "".join(parts)


def _vertical(ticks: _Ticks, place: _Place, top: float, bottom: float) -> str:
    return "".join(
        f'<path class="grid" d="M{place(tick):.1f} {top}V{bottom}"/>'
        f'<text x="{place(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks
    )


def _titles(x: str, y: str) -> str:
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return (
        _below(x, _LEFT, _HEIGHT)
        + f'<text class="title" transform="translate(13 {middle}) rotate(-90)" '
        f'text-anchor="middle">{html.escape(y)}</text>'
    )


def _below(x: str, left: float, height: float) -> str:
    middle = (left + _WIDTH - _RIGHT) / 2
    return (
        f'<text class="title" x="{middle}" y="{height - 8}" text-anchor="middle">'
        f"{html.escape(x)}</text>"
    )


def _svg(body: str, height: float, name: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{html.escape(name)}">'
        f"{body}</svg>"
    )
