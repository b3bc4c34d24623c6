"""Draw an accuracy result: coverage against what was stated, and predicted against true ages.

    python -m faceage_benchmarks.age_plot --result accuracy-detect.json --out ages.png

No face is in it, only figures.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceage_benchmarks.age_bands import age_band, rows_by_name
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.plots import COLOURS, as_png, new_figure
from faceage_benchmarks.result import read_result
from faceage_calibration.stats import Floats
from faceage_edge.atomic import write_bytes
from faceage_edge.command import run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_ages", "main"]

_PROGRAM = "faceage_benchmarks.age_plot"
_OLDEST = 100
_LEAST_LEVEL = 40
# Of the predictions of a band, the share between the ends of its bar.
_SPREAD = (0.05, 0.95)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw a result file into a .png; returns the exit code."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Draw an accuracy result.")
    parser.add_argument(
        "--result", required=True, metavar="FILE", help="accuracy result with exact ages"
    )
    parser.add_argument("--out", required=True, metavar="PNG", help="the picture to write")
    options = parser.parse_args(argv)
    return run(_PROGRAM, lambda: _write(options.result, Path(options.out)))


def draw_ages(result: Mapping[str, Any], where: str) -> "Figure":
    """Return the plot of an accuracy result with exact ages.

    Args:
        result: as read by result.read_result.
        where: its name, for messages.

    Returns:
        On the left coverage with its 95 % interval at each stated level, on the right the median
        and the middle 90 % of the predictions of each band of true ages. Half of its size is
        still readable.

    Raises:
        ResultFileError: bins, or a file without coverage at several levels.
        MissingExtraError: Matplotlib is not installed.
    """
    if result["kind"] != "accuracy" or "reliability" not in result:
        raise ResultFileError(
            f"{where} holds no coverage at several levels; expected an accuracy result of exact "
            "ages and a model with an interval, written by this version"
        )
    figure, (left, right) = new_figure(14, 7, panels=2)
    _reliability(left, result)
    _ages(right, result)
    return figure


def _reliability(axes: "Axes", result: Mapping[str, Any]) -> None:
    _square(axes, (_LEAST_LEVEL, 100))
    levels = result["reliability"]["levels"]
    stated = [100 * level["nominal"] for level in levels]
    share = np.array([100 * level["normal_coverage"] for level in levels])
    low, high = 100 * np.array([level["normal_coverage_ci95"] for level in levels]).T
    _with_bars(axes, stated, share, (low, high), "its offsets, scaled as for normal errors")
    own = result["intervals"]
    label = f"the contract's interval, {100 * own['nominal']:g} %"
    point = 100 * own["nominal"], 100 * own["coverage"]
    axes.plot(*point, "D", color=COLOURS[1], markersize=9, zorder=5, label=label)
    axes.set_title("Coverage of prediction intervals")
    axes.set_xlabel("stated coverage, %")
    axes.set_ylabel("faces whose age the interval holds, %")
    axes.legend(loc="upper left")


def _ages(axes: "Axes", result: Mapping[str, Any]) -> None:
    _square(axes, (0, _OLDEST))
    true, predicted = (np.asarray(result["samples"][key]) for key in ("true", "predicted"))
    bands = [rows for _, rows in rows_by_name([age_band(age) for age in true])]
    middles = np.array([np.median(predicted[rows]) for rows in bands])
    ends = np.array([np.quantile(predicted[rows], _SPREAD) for rows in bands]).T
    ages = [float(true[rows].mean()) for rows in bands]
    _with_bars(axes, ages, middles, (ends[0], ends[1]), "median and middle 90 % of predictions")
    axes.set_title(f"{result['model']['name']} {result['model']['scheme']}: {result['n']:,} faces")
    axes.set_xlabel("true age, years (mean of the band)")
    axes.set_ylabel("predicted age, years")
    axes.legend(loc="upper left")


def _square(axes: "Axes", span: tuple[float, float]) -> None:
    """Give both axes one range, and draw where they agree."""
    axes.set(xlim=span, ylim=span, aspect="equal")
    axes.plot(span, span, color="#333333", linewidth=1)


def _with_bars(
    axes: "Axes", x: Sequence[float], y: Floats, ends: tuple[Floats, Floats], label: str
) -> None:
    # A bar's end may lie on the wrong side of its point by the rounding of a quantile.
    low, high = np.maximum(y - ends[0], 0), np.maximum(ends[1] - y, 0)
    axes.errorbar(x, y, yerr=[low, high], fmt="o-", color=COLOURS[0], capsize=4, label=label)


def _write(name: str, out: Path) -> int:
    write_bytes(out, as_png(draw_ages(read_result(name), name)))
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
