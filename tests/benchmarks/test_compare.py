"""Tables of results, and the paired difference of two files."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.cli import main
from faceage_benchmarks.compare import paired_change
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.tables import markdown, table_of

Results = dict[str, dict[str, Any]]
Make = Callable[[dict[str, Any]], dict[str, Any]]


def test_markdown_by_hand() -> None:
    """Rows stand in the order they appear; a cell that a column lacks is a dash."""
    columns = [("a", {"n": "1", "only a": "x"}), ("b|c", {"n": "22", "only b": "y"})]
    assert markdown(columns) == (
        "|        | a | b/c |\n"
        "|--------|---|-----|\n"
        "| n      | 1 | 22  |\n"
        "| only a | x | –   |\n"
        "| only b | – | y   |\n"
    )


def test_every_kind_has_a_table(results: Results) -> None:
    """Every result can be shown, with a column a model or detector."""
    columns = {"exact ages, two models": 2, "bins": 1, "latency": 2, "detection": 2}
    for name, expected in columns.items():
        lines = table_of([("file", results[name])]).splitlines()
        assert len({line.count("|") for line in lines}) == 1, name
        assert lines[0].count("|") - 2 == expected, name


def test_kinds_without_a_table_are_named(results: Results) -> None:
    """A kind of a later version is refused by name."""
    with pytest.raises(ResultFileError, match="tomorrow"):
        table_of([("file", results["latency"] | {"kind": "tomorrow"})])


def test_paired_change_by_hand(accuracy_of: Make, exact_samples: dict[str, Any]) -> None:
    """A second pipeline that is one year off everywhere, where the first is exact."""
    samples = exact_samples | {"predicted": list(exact_samples["true"])}
    worse = samples | {"predicted": [age + 1 for age in samples["true"]]}
    change = paired_change(accuracy_of(samples), accuracy_of(worse))
    assert change is not None
    assert change[0] == pytest.approx(1.0)
    assert change[1] == pytest.approx((1.0, 1.0))


def test_paired_change_of_bins(accuracy_of: Make, binned_samples: dict[str, Any]) -> None:
    """For bins the error is the distance outside: 0, 1, 10, 0 against 0, 0, 0, 0."""
    perfect = binned_samples | {"predicted": [20.0, 20.0, 75.0, 1.0]}
    change = paired_change(accuracy_of(binned_samples), accuracy_of(perfect))
    assert change is not None
    assert change[0] == pytest.approx(-11 / 4)


def test_other_faces_do_not_pair(accuracy_of: Make, exact_samples: dict[str, Any]) -> None:
    """Another set, or the same in another order, gives no paired difference."""
    first = accuracy_of(exact_samples)
    other = deepcopy(first)
    other["samples"]["faces"].reverse()
    assert paired_change(first, other) is None


def test_same_faces_with_other_ages(accuracy_of: Make, exact_samples: dict[str, Any]) -> None:
    """The same pictures labelled differently are a mistake, not a difference of models."""
    first = accuracy_of(exact_samples)
    other = deepcopy(first)
    other["samples"]["true"][0] += 1
    with pytest.raises(ResultFileError, match="different ages"):
        paired_change(first, other)


def test_changes_are_written(
    tmp_path: Path, accuracy_of: Make, exact_samples: dict[str, Any]
) -> None:
    """`compare --json` keeps the paired change; of another set it keeps that there is none."""
    worse = exact_samples | {"predicted": [age + 1 for age in exact_samples["true"]]}
    exact = exact_samples | {"predicted": list(exact_samples["true"])}
    other = deepcopy(accuracy_of(exact))
    other["samples"]["faces"].reverse()
    files = {"exact": accuracy_of(exact), "worse": accuracy_of(worse), "other": other}
    for name, result in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    out = tmp_path / "changes.json"
    paths = [str(tmp_path / f"{name}.json") for name in files]
    assert main(["compare", *paths, "--json", str(out)]) == 0
    changes = json.loads(out.read_text())["changes"]
    assert [change["file"] for change in changes] == ["worse", "other"]
    assert changes[0]["mean"] == pytest.approx(1.0)
    assert changes[1]["mean"] is None
