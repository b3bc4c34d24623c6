"""Targets: what their keys lead to, which value decides, and what is no target."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.targets import Target, judge, read_targets

RESULT = {
    "mae": 4.5,
    "mae_ci95": [4.0, 5.0],
    "per_band": [
        {"n": 100, "delta": 0.1, "delta_ci95": [0.0, 0.2]},
        {"n": 99, "delta": 0.9, "delta_ci95": [0.8, 1.0]},
        {"n": 500, "delta": -0.3, "delta_ci95": [-0.4, 0.3]},
    ],
}
JUDGED = [
    # key, bound, at_most, value, reached, note
    ("mae", 4.5, True, 4.5, True, "the bound itself is reached"),
    ("mae", 4.4, True, 4.5, False, "above"),
    ("mae", 4.5, False, 4.5, True, "at least, the bound itself"),
    ("mae", 4.6, False, 4.5, False, "below"),
    ("mae_ci95.1", 4.9, True, 5.0, False, "an end of an interval"),
    ("per_band.*.delta", 0.2, True, 0.1, True, "the largest of bands with 100 faces"),
    ("per_band.*.delta_ci95.1", 0.25, True, 0.3, False, "one band is too many"),
    ("per_band.*.delta", -0.5, False, -0.3, True, "at least: the smallest decides"),
    ("per_band.1.delta", 0.2, True, 0.9, False, "a named band of any size"),
]


@pytest.mark.parametrize(("key", "bound", "at_most", "value", "reached", "note"), JUDGED)
def test_judging(
    key: str, bound: float, at_most: bool, value: float, reached: bool, note: str
) -> None:
    """The value nearest to missing the bound decides."""
    (judged,) = judge([Target("t", "result", key, bound, at_most)], {"result": RESULT})
    assert (judged.value, judged.reached) == (value, reached), note


@pytest.mark.parametrize("key", ["rmse", "mae.0", "mae_ci95.2", "per_band.*.n.x", "per_band", "*"])
def test_keys_that_lead_nowhere(key: str) -> None:
    """A figure that the file lacks, or that is no number, is an error and not a miss."""
    with pytest.raises(ResultFileError, match="measure again"):
        judge([Target("t", "result", key, 1.0, True)], {"result": RESULT})


def test_results_that_are_not_given() -> None:
    """A target of a file that is not given is left out."""
    assert judge([Target("t", "fairface", "mae", 1.0, True)], {"result": RESULT}) == []


GOOD = {"target": "t", "of": "result", "key": "mae", "at_most": 5}
BAD: list[tuple[Any, str, str]] = [
    ("[", "cannot read", "half a file"),
    ({}, "no list", "an object"),
    (["mae"], "lacks", "no object in it"),
    ([GOOD | {"key": 1}], "lacks", "a key is a text"),
    ([GOOD | {"at_least": 1}], "one number", "two bounds"),
    ([{**GOOD, "at_most": "5"}], "one number", "a bound is a number"),
    ([GOOD | {"unit": "years"}], "unit", "an unknown key"),
    ([GOOD | {"of": "photos"}], "photos", "an unknown result"),
]


@pytest.mark.parametrize(("content", "message", "note"), BAD)
def test_files_that_hold_no_targets(tmp_path: Path, content: Any, message: str, note: str) -> None:
    """A faulty file is refused with what was expected."""
    path = tmp_path / "targets.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ResultFileError, match=message):
        read_targets(path)


def test_shipped_targets_are_targets(repo_root: Path) -> None:
    """Those of each age model read; that their keys lead somewhere, the cards' tables show."""
    files = sorted((repo_root / "benchmarks" / "targets").glob("*.json"))
    assert [path.stem for path in files] == ["age-mobilenet-coral", "age-permissive", "age-tiny"]
    assert all(read_targets(path) for path in files)
