"""The result file: its form, its version, and that its numbers follow from its samples."""

import copy
import json
import math
from pathlib import Path
from statistics import fmean, median
from typing import Any

import jsonschema
import pytest

from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.result import (
    check_result,
    dumps,
    new_result,
    read_result,
    result_schema,
    write_result,
)
from faceage_edge.errors import OutputError

Results = dict[str, dict[str, Any]]

ACCURACY_KEYS = {
    "exact ages, one model": "n mae mae_ci95 mae_found missed missed_share signed_error rmse cs5 "
    "per_decade crops model set machine command seeds samples",
    "exact ages, two models": "delta_mae delta_mae_ci95 delta_per_decade max_abs_difference "
    "against interval_coverage interval_width per_band by_gender by_ethnicity intervals "
    "reliability",
    "bins": "n outside_bin outside_bin_ci95 bin_accuracy missed missed_share by_ethnicity",
    "latency": "n p50_ms p90_ms p99_ms ratio ratio_ci95 ratio_is cold_start warm_up samples",
}


@pytest.mark.parametrize("name", ACCURACY_KEYS)
def test_public_keys(results: Results, name: str) -> None:
    """The keys that are a public interface stand at the top level."""
    assert set(ACCURACY_KEYS[name].split()) <= set(results[name])


def test_results_fit_the_schema(results: Results) -> None:
    """Every kind's file passes jsonschema as well as our own check."""
    validator = jsonschema.Draft202012Validator(result_schema())
    validator.check_schema(result_schema())
    for name, result in results.items():
        assert [error.message for error in validator.iter_errors(result)] == [], name
        check_result(result, name)


def test_every_number_follows_from_the_samples(results: Results) -> None:
    """Computing the figures again from the file's samples gives the file's figures."""
    for name, result in results.items():
        again = recompute(json.loads(dumps(result)))
        assert {key: result[key] for key in again} == again, name


def test_age_figures_by_plain_arithmetic(results: Results) -> None:
    """The headline figures agree with the textbook formulas, written out without numpy."""
    result = results["exact ages, two models"]
    samples = result["samples"]
    errors = [p - t for p, t in zip(samples["predicted"], samples["true"], strict=True)]
    sizes = [abs(error) for error in errors]
    found = [size for size, seen in zip(sizes, samples["found"], strict=True) if seen]
    others = [
        abs(p - t) for p, t in zip(samples["against_predicted"], samples["true"], strict=True)
    ]
    expected = {
        "n": len(sizes),
        "missed": len(sizes) - len(found),
        "missed_share": 1 - len(found) / len(sizes),
        "mae": fmean(sizes),
        "mae_found": fmean(found),
        "signed_error": fmean(errors),
        "rmse": math.sqrt(fmean([error**2 for error in errors])),
        "cs5": fmean([size <= 5 for size in sizes]),
        "delta_mae": fmean(sizes) - fmean(others),
    }
    assert expected == pytest.approx({key: result[key] for key in expected})
    assert result["against_figures"]["mae"] == pytest.approx(fmean(others))
    by_band = sum(band["mae"] * band["n"] for band in result["per_decade"])
    assert by_band / len(sizes) == pytest.approx(result["mae"])
    assert result["mae_ci95"][0] < result["mae"] < result["mae_ci95"][1]
    assert result["delta_mae_ci95"][0] < result["delta_mae"] < result["delta_mae_ci95"][1]


def test_latency_figures_by_plain_arithmetic(results: Results) -> None:
    """Median and ratio agree with the standard library's median."""
    result = results["latency"]
    ours, theirs = result["samples"]["ms"], result["samples"]["against_ms"]
    assert result["n"] == len(ours) == len(theirs)
    assert result["p50_ms"] == pytest.approx(median(ours))
    assert result["against_figures"]["p50_ms"] == pytest.approx(median(theirs))
    assert result["ratio"] == pytest.approx(median(ours) / median(theirs))
    assert result["ratio_ci95"][0] <= result["ratio"] <= result["ratio_ci95"][1]


def test_file_round_trip(results: Results, tmp_path: Path) -> None:
    """What is written is what is read, for every kind."""
    for number, result in enumerate(results.values()):
        write_result(tmp_path / f"{number}.json", result)
        assert read_result(tmp_path / f"{number}.json") == result


def test_unknown_keys_are_kept(results: Results, tmp_path: Path) -> None:
    """A file of a later writer of this version, with more keys, still reads."""
    grown = results["latency"] | {"tainted": False, "machine": results["latency"]["machine"]}
    grown["machine"] = grown["machine"] | {"memory_mb": 1024}
    write_result(tmp_path / "r.json", grown)
    assert read_result(tmp_path / "r.json")["tainted"] is False


def _without(result: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(result)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


def _with(result: dict[str, Any], value: object, *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(result)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


BROKEN = [
    # which result, what is done to it, note
    ("exact ages, one model", ("mae",), None, "an accuracy result has a mae"),
    ("exact ages, one model", ("per_decade",), None, "and its decades"),
    ("exact ages, one model", ("machine", "governor"), None, "the governor is named or null"),
    ("exact ages, one model", ("samples", "found"), None, "raw samples are complete"),
    ("exact ages, one model", ("mae",), float("nan"), "NaN is no number"),
    ("exact ages, one model", ("mae",), "4.9", "nor is text"),
    ("exact ages, one model", ("n",), True, "nor is a truth value"),
    ("exact ages, one model", ("n",), 0, "nothing measured"),
    ("exact ages, one model", ("mae_ci95",), [4.0], "an interval has two ends"),
    ("exact ages, one model", ("crops",), "tight", "two kinds of crops are known"),
    ("exact ages, one model", ("missed_share",), 1.5, "a share is at most 1"),
    ("exact ages, one model", ("created",), "yesterday", "a time is written as a time"),
    ("exact ages, one model", ("against",), {"path": "x"}, "a second model is named in full"),
    ("exact ages, two models", ("max_abs_difference",), None, "and is compared"),
    ("exact ages, two models", ("per_band", 0, "mae_ci95"), None, "bands have intervals"),
    ("exact ages, two models", ("per_band", 0, "band"), "young", "and are named by years"),
    ("exact ages, two models", ("by_gender", "max_minus_min"), None, "groups are compared"),
    ("exact ages, two models", ("by_gender", "groups", 0, "mae_standardised"), None, "or null"),
    ("exact ages, two models", ("intervals", "score"), None, "intervals have a score"),
    ("exact ages, two models", ("reliability", "by"), "magic", "other levels are by scaling"),
    ("exact ages, two models", ("samples", "gender"), [1], "a label is a text"),
    ("bins", ("by_ethnicity", "groups", 0, "outside_bin"), None, "bins have groups too"),
    ("bins", ("outside_bin_ci95",), None, "bins have their own keys"),
    ("latency", ("ratio_is",), None, "a ratio says of what"),
    ("latency", ("cold_start", "load_ms"), None, "the cold start is apart"),
    ("latency", ("samples", "ms"), [], "no samples"),
    ("detection", ("detectors", 0, "recall"), None, "each detector has a recall"),
    ("demo", ("samples", "years_int8"), [], "a demonstration without a face"),
    ("detection", ("seeds",), None, "seeds are part of every file"),
    ("loop-cost", ("models",), [], "a loop runs models"),
    ("loop-cost", ("samples", "cpu_s"), None, "CPU time is measured turn by turn"),
    ("freshness", ("waited_p99_intervals",), None, "what counts is the wait"),
    ("freshness", ("samples", "model_ms"), [], "each run of the model took its time"),
    ("endurance", ("rss_mb", "end"), None, "memory has a course"),
    ("endurance", ("samples", "faults", "gap_s"), None, "each fault has its gap"),
    ("fuzz", ("samples", "seed_files", 0, "sha256"), None, "seed files are named by digest"),
    ("fuzz", ("executions",), 0, "nothing was executed"),
]


@pytest.mark.parametrize(("name", "path", "value", "note"), BROKEN)
def test_broken_results_are_refused(
    results: Results, tmp_path: Path, name: str, path: tuple[str, ...], value: object, note: str
) -> None:
    """Our check and jsonschema refuse the same results, and nothing is overwritten."""
    good = results[name]
    bad = _without(good, *path) if value is None else _with(good, value, *path)
    target = tmp_path / "r.json"
    write_result(target, good)
    with pytest.raises(ResultFileError):
        write_result(target, bad)
    assert read_result(target) == good
    if value != value:
        return  # JSON has no NaN and jsonschema does not look for it
    validator = jsonschema.Draft202012Validator(result_schema())
    assert list(validator.iter_errors(bad)), note


FOREIGN = [
    # content, part of the message, note
    (None, "cannot read", "no file"),
    ("", "not JSON", "an empty file"),
    ("{", "not JSON", "half a file"),
    ("[1, 2]", "not a faceage result", "JSON of another shape"),
    ('{"mae": 4.9}', "not a faceage result", "no format named"),
    ('{"schema": "faceage-result/3"}', "faceage-result/3", "a later version"),
    ('{"schema": "faceage-result/1"}', "'kind' is missing", "nothing but the format"),
    ('{"schema": "faceage-result/1", "kind": NaN}', "NaN", "a number that JSON has not"),
]


@pytest.mark.parametrize(
    ("content", "message"), [case[:2] for case in FOREIGN], ids=[case[2] for case in FOREIGN]
)
def test_foreign_files_are_refused(tmp_path: Path, content: str | None, message: str) -> None:
    """A file that is no result is refused with its name and what was expected."""
    path = tmp_path / "foreign.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ResultFileError, match="foreign") as caught:
        read_result(path)
    assert message in str(caught.value)


def test_a_result_must_be_complete(results: Results) -> None:
    """An incomplete result is refused when it is made, not when somebody reads it."""
    with pytest.raises(ResultFileError, match="'seeds' is missing"):
        new_result("latency", command=["x"], machine=results["latency"]["machine"])


def test_unwritable_target(results: Results, tmp_path: Path) -> None:
    """A folder that does not exist is an OutputError."""
    with pytest.raises(OutputError):
        write_result(tmp_path / "nowhere" / "r.json", results["latency"])


def test_unknown_kinds_may_stand_in_a_file(results: Results, tmp_path: Path) -> None:
    """A kind of a later writer reads; computing it again is refused by name."""
    later = results["latency"] | {"kind": "tomorrow"}
    write_result(tmp_path / "r.json", later)
    with pytest.raises(ResultFileError, match="tomorrow"):
        recompute(read_result(tmp_path / "r.json"))
