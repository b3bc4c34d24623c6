"""The plot of an accuracy result: where its points lie, and when there is none."""

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks.age_plot import draw_ages, main
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.plot_panel import BLUE, ORANGE, Panel
from faceage_benchmarks.result import write_result

Results = dict[str, dict[str, Any]]


def test_a_plot_is_written(results: Results, tmp_path: Path) -> None:
    """The command writes a picture of two panels with figures in both."""
    write_result(tmp_path / "r.json", results["exact ages, two models"])
    out = tmp_path / "r.png"
    assert main(["--result", str(tmp_path / "r.json"), "--out", str(out)]) == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape == (800, 1600, 3)
    for half in (picture[:, :800], picture[:, 800:]):
        assert (half == BLUE).all(axis=2).sum() > 500
    assert (picture[:, :800] == ORANGE).all(axis=2).any()


def test_the_contract_s_point_lies_at_its_coverage(results: Results) -> None:
    """The orange dot is centred on stated 90 % and the measured share."""
    result = copy.deepcopy(results["exact ages, two models"])
    result["intervals"]["coverage"] = 0.7
    picture = draw_ages(result, "r.json")[200:, :800]  # below the legend
    rows, columns = np.nonzero((picture == ORANGE).all(axis=2))
    axes = Panel(title="", across="", up="", low=40, high=100, step=10)
    expected = axes.pixel(90, 70)
    assert (round(columns.mean()), round(rows.mean()) + 200) == expected


def test_axes() -> None:
    """Points go right and up; those beyond the axes lie on the edge."""
    axes = Panel(title="t", across="x", up="y", low=0, high=100, step=50)
    assert axes.pixel(0, 0) == (120, 690)
    assert axes.pixel(100, 100) == (770, 70)
    assert axes.pixel(50, 50) == (445, 380)
    assert axes.pixel(-10, 120) == axes.pixel(0, 100)


@pytest.mark.parametrize("name", ["bins", "exact ages, one model", "latency"])
def test_nothing_to_draw(results: Results, name: str) -> None:
    """Bins, a model without an interval and times have no such plot."""
    with pytest.raises(ResultFileError, match="several levels"):
        draw_ages(results[name], "r.json")
