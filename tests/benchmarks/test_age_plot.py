"""The plot of an accuracy result: where its points lie, and when there is none."""

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks.age_plot import draw_ages, main
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.result import write_result

Results = dict[str, dict[str, Any]]


def test_a_plot_is_written(results: Results, tmp_path: Path) -> None:
    """The command writes a picture of two panels, the same bytes each time."""
    write_result(tmp_path / "r.json", results["exact ages, two models"])
    outs = [tmp_path / "one.png", tmp_path / "two.png"]
    for out in outs:
        assert main(["--result", str(tmp_path / "r.json"), "--out", str(out)]) == 0
    picture = cv2.imread(str(outs[0]))
    assert picture is not None
    assert picture.shape == (840, 1680, 3)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_points_lie_at_their_figures(results: Results) -> None:
    """The contract's point is its stated and measured share; bars end at the interval's ends."""
    result = copy.deepcopy(results["exact ages, two models"])
    result["intervals"]["coverage"] = 0.7
    coverage, ages = draw_ages(result, "r.json").axes
    points = {str(line.get_label()): line.get_xydata() for line in coverage.lines}
    assert np.asarray(points["the contract's interval, 90 %"]).tolist() == [[90, 70]]
    (offsets,) = coverage.containers
    levels = result["reliability"]["levels"]
    expected = [[100 * one["nominal"], 100 * one["normal_coverage"]] for one in levels]
    assert np.asarray(offsets[0].get_xydata()) == pytest.approx(np.array(expected))
    ends = [segment[:, 1] for segment in offsets[2][0].get_segments()]
    wanted = [100 * np.array(one["normal_coverage_ci95"]) for one in levels]
    assert np.array(ends) == pytest.approx(np.array(wanted))
    assert len(ages.containers[0][0].get_xydata()) == len(result["per_band"])


@pytest.mark.parametrize("name", ["bins", "exact ages, one model", "latency"])
def test_nothing_to_draw(results: Results, name: str) -> None:
    """Bins, a model without an interval and times have no such plot."""
    with pytest.raises(ResultFileError, match="several levels"):
        draw_ages(results[name], "r.json")
