"""Draw an accuracy result: coverage against what was stated, and predicted against true ages.

    python -m faceage_benchmarks.age_plot --result accuracy-detect.json --out ages.png

Drawn with OpenCV, which every install has; no face is in it, only figures.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceage_benchmarks.age_bands import age_band, rows_by_name
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.plot_panel import BLUE, ORANGE, Panel, Picture
from faceage_benchmarks.result import read_result
from faceage_edge.atomic import write_bytes
from faceage_edge.command import run

__all__ = ["draw_ages", "main"]

_PROGRAM = "faceage_benchmarks.age_plot"
_OLDEST = 100
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


def draw_ages(result: Mapping[str, Any], where: str) -> Picture:
    """Return the plot of an accuracy result with exact ages.

    Args:
        result: as read by result.read_result.
        where: its name, for messages.

    Returns:
        uint8 (800, 1600, 3), BGR: on the left coverage with its 95 % interval at each stated
        level, on the right the median and the middle 90 % of the predictions of each band of
        true ages. Half of that size is still readable.

    Raises:
        ResultFileError: bins, or a file without coverage at several levels.
    """
    if result["kind"] != "accuracy" or "reliability" not in result:
        raise ResultFileError(
            f"{where} holds no coverage at several levels; expected an accuracy result of exact "
            "ages and a model with an interval, written by this version"
        )
    return np.hstack([_reliability(result), _ages(result)])


def _reliability(result: Mapping[str, Any]) -> Picture:
    panel = Panel(
        title="Coverage of prediction intervals",
        across="stated coverage, %",
        up="faces whose age the interval holds, %",
        low=40,
        high=100,
        step=10,
    )
    panel.diagonal()
    levels = result["reliability"]["levels"]
    held = [
        (100 * level["nominal"], 100 * level["normal_coverage"], level["normal_coverage_ci95"])
        for level in levels
    ]
    for stated, _, (low, high) in held:
        panel.bar(stated, 100 * low, 100 * high, BLUE)
    panel.line([(stated, share) for stated, share, _ in held], BLUE)
    own = result["intervals"]
    panel.dot(100 * own["nominal"], 100 * own["coverage"], ORANGE)
    panel.legend(
        [
            (ORANGE, f"the contract's interval, {100 * own['nominal']:g} %"),
            (BLUE, "its offsets, scaled as for normal errors"),
        ]
    )
    return panel.picture


def _ages(result: Mapping[str, Any]) -> Picture:
    panel = Panel(
        title=f"{result['model']['name']} {result['model']['scheme']}: {result['n']} faces",
        across="true age, years (mean of the band)",
        up="predicted age, years",
        low=0,
        high=_OLDEST,
        step=10,
    )
    panel.diagonal()
    true, predicted = (np.asarray(result["samples"][key]) for key in ("true", "predicted"))
    middles = []
    for _, rows in rows_by_name([age_band(age) for age in true]):
        age = float(true[rows].mean())
        low, high = np.quantile(predicted[rows], _SPREAD)
        panel.bar(age, float(low), float(high), BLUE)
        middles.append((age, float(np.median(predicted[rows]))))
    panel.line(middles, BLUE)
    panel.legend([(BLUE, "median and middle 90 % of predictions")])
    return panel.picture


def _write(name: str, out: Path) -> int:
    drawn = draw_ages(read_result(name), name)
    smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    write_bytes(out, cv2.imencode(".png", drawn, smallest)[1].tobytes())
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
