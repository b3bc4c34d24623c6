"""Plots of results, drawn with Matplotlib: figures only, never a face.

Matplotlib is imported where a plot is made, so that a device without it still writes tables.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceage_benchmarks.merged import Row
from faceage_edge.atomic import write_bytes
from faceage_edge.errors import missing_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "as_png",
    "as_svg",
    "error_by_age",
    "latency_against_error",
    "latency_distribution",
    "new_figure",
    "write_plot",
]

# Okabe and Ito's palette, told apart by the colour-blind (jfly.uni-koeln.de/color), without its
# yellow, which is pale on white, and without black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = "osD^vP"
_DPI = 120
# A name's height in a legend, and how many a plot has room for.
_NAME_INCHES, _USUAL_NAMES = 0.21, 3
# Of the distance between two bands, what the points of one band take at most.
_SPREAD = 0.7
# The same file for the same figures: no date, no random ids; text stays text. `Any`, because
# Matplotlib's type of it is a list of all its settings.
_SETTINGS: Any = {
    "svg.hashsalt": "faceage",
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
}


def new_figure(width: float, height: float, panels: int = 1) -> tuple["Figure", list["Axes"]]:
    """Return an empty figure and its axes side by side.

    Args:
        width: inches, for all panels together.
        height: inches.
        panels: how many.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("matplotlib", "bench") from error
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, list(np.atleast_1d(figure.subplots(1, panels)))


def latency_against_error(rows: Sequence[Row]) -> "Figure | None":
    """Plot p50 against the error, with the intervals of both; None where no row has both."""
    both = [row for row in rows if row.ms and row.mae is not None]
    if not both:
        return None
    figure, (axes,) = new_figure(8, 5)
    for number, row in enumerate(both):
        value, (low, high) = row.ms["p50"]
        assert row.mae is not None
        axes.errorbar(
            value,
            row.mae,
            xerr=[[value - low], [high - value]],
            yerr=[[row.mae - row.mae_ci95[0]], [row.mae_ci95[1] - row.mae]],
            fmt=_marker(number),
            color=_colour(number),
            capsize=3,
            label=_name(row),
        )
    axes.set_xlabel("one age, ms (p50, 95 % interval)")
    axes.set_ylabel("mean absolute error, years")
    axes.set_xlim(left=0)
    axes.set_title("Time against error: left and low is better")
    _legend_below(figure)
    return figure


def error_by_age(results: Sequence[tuple[str, Mapping[str, Any]]]) -> "Figure | None":
    """Plot the error of each accuracy file by band of true age; None where none has bands."""
    ages = [(title, one) for title, one in results if one["kind"] == "accuracy"]
    banded = [(title, one["per_band"], one["model"]) for title, one in ages if "per_band" in one]
    if not banded:
        return None
    figure, (axes,) = new_figure(8, 5)
    names = list(dict.fromkeys(band["band"] for _, bands, _ in banded for band in bands))
    names.sort(key=lambda name: int(name.rstrip("+").split("-")[0]))
    for number, (title, bands, model) in enumerate(banded):
        # Beside each other, so that the intervals can be told apart.
        step = min(0.08, _SPREAD / len(banded))
        shift = step * (number - (len(banded) - 1) / 2)
        places = [names.index(band["band"]) + shift for band in bands]
        errors = np.array([band["mae"] for band in bands])
        spans = [band["mae_ci95"] or (band["mae"], band["mae"]) for band in bands]
        low, high = np.array(spans).T
        axes.errorbar(
            places,
            errors,
            yerr=[errors - low, high - errors],
            fmt=f"{_marker(number)}-",
            color=_colour(number),
            capsize=3,
            label=f"{title}: {model['name']} {model['scheme']}",
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("true age, years")
    axes.set_ylabel("mean absolute error, years")
    axes.set_ylim(bottom=0)
    axes.set_title("Error by age")
    _legend_below(figure)
    return figure


def latency_distribution(rows: Sequence[Row]) -> "Figure | None":
    """Plot the share of runs that were done by each time, of every run; None without times."""
    timed = [row for row in rows if len(row.samples)]
    if not timed:
        return None
    figure, (axes,) = new_figure(8, 5)
    for number, row in enumerate(timed):
        done = np.sort(np.asarray(row.samples))
        share = 100 * np.arange(1, done.size + 1) / done.size
        axes.step(done, share, where="post", color=_colour(number), label=_name(row))
    for level in (50, 90, 99):
        axes.axhline(level, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if str(value)[0] in "25" else "")
    axes.set_xlabel("one age, ms (logarithmic)")
    axes.set_ylabel("runs done by then, %")
    axes.set_title("Distribution of the times; dotted: p50, p90, p99")
    _legend_below(figure)
    return figure


def as_svg(figure: "Figure") -> bytes:
    """Return a figure as SVG."""
    return _saved(figure, "svg", {"Date": None, "Creator": None})


def as_png(figure: "Figure") -> bytes:
    """Return a figure as PNG."""
    return _saved(figure, "png", {"Software": None})


def write_plot(figure: "Figure", base: Path) -> None:
    """Write `base` with .svg and .png behind it. OutputError where they cannot be written."""
    write_bytes(base.with_suffix(".svg"), as_svg(figure))
    write_bytes(base.with_suffix(".png"), as_png(figure))


def _saved(figure: "Figure", kind: str, metadata: dict[str, Any]) -> bytes:
    import matplotlib

    stream = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(stream, format=kind, dpi=_DPI, metadata=metadata)
    return stream.getvalue()


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _marker(number: int) -> str:
    # Another one for each round of the colours, so that no two of 36 look alike.
    return _MARKERS[(number + number // len(COLOURS)) % len(_MARKERS)]


def _name(row: Row) -> str:
    marks = [mark for mark in ("quick look", "tainted") if any(mark in n for n in row.notes)]
    return f"{row.model}, {row.on}" + (f" [{', '.join(marks)}]" if marks else "")


def _legend_below(figure: "Figure") -> None:
    """Say what is what below the axes, where names cover no point; the sheet grows for many."""
    figure.legend(loc="outside lower center", fontsize=9, frameon=False)
    more = len(figure.legends[0].get_texts()) - _USUAL_NAMES
    figure.set_figheight(figure.get_figheight() + _NAME_INCHES * max(more, 0))
