"""The stopwatch and its figures, with models and a clock that a test controls.

Three faults of published tables are regressions here: samples pooled between models, a median of
unsorted samples, the slowest tenth dropped.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from faceage_benchmarks import cli, latency
from faceage_benchmarks.result import bootstrap_settings, read_result
from faceage_benchmarks.stopwatch import Effort, time_models
from faceage_benchmarks.timings import latency_figures
from faceage_calibration.errors import SamplesError
from faceage_edge.errors import UsageError

SETTINGS = bootstrap_settings("loads")
EFFORT = Effort(seconds=0.0, runs=100, loads=4)


def _samples(ms: list[float], **more: Any) -> dict[str, Any]:
    half = len(ms) // 2
    load = [0] * half + [1] * (len(ms) - half)
    return {"ms": ms, "load": load, "load_ms": [9.0, 7.0], "first_run_ms": [3.0, 5.0]} | more


def test_samples_are_not_pooled_between_models(ticks: Any) -> None:
    """Each model's samples are its own runs and no others (a published fault)."""
    timings = time_models([ticks.model(lambda _: 1), ticks.model(lambda _: 7)], EFFORT, clock=ticks)
    assert set(timings.models[0].ms) == {1.0}
    assert set(timings.models[1].ms) == {7.0}
    content = latency.latency_content(timings, EFFORT, seed=0)
    assert (content["p50_ms"], content["against_figures"]["p50_ms"]) == (1.0, 7.0)
    assert content["ratio"] == pytest.approx(1 / 7)
    assert median(timings.models[0].ms + timings.models[1].ms) == 4.0, "the fault would show here"


def test_median_is_of_sorted_samples(ticks: Any) -> None:
    """The median of runs in falling and rising order is the true one (a published fault)."""
    times = [9, 1, 8, 2, 7, 3, 6, 4, 5, 100]
    timings = time_models([ticks.model(lambda run: times[run % 10])], EFFORT, clock=ticks)
    ms = timings.models[0].ms
    content = latency.latency_content(timings, EFFORT, seed=0)
    assert content["p50_ms"] == pytest.approx(median(ms))
    assert ms[len(ms) // 2] != pytest.approx(median(ms)), "the fault would show here"


def test_the_slowest_tenth_is_kept(ticks: Any) -> None:
    """Every run is a sample, slow ones too, and p99 shows them (a published fault)."""
    slow = ticks.model(lambda run: 50 if run % 10 == 9 else 1)
    timings = time_models([slow], EFFORT, clock=ticks)
    content = latency.latency_content(timings, EFFORT, seed=0)
    assert content["n"] == len(timings.models[0].ms) == 100
    assert timings.models[0].ms.count(50.0) in range(8, 13)
    assert content["p99_ms"] == 50.0
    kept = sorted(timings.models[0].ms)[:90]
    assert latency_figures(_samples(kept), SETTINGS)["p99_ms"] < 50, "the fault would show here"
    assert content["p50_ms"] == 1.0


def test_cold_start_and_warm_up_are_apart(ticks: Any) -> None:
    """Loading, the first run and the warm-up are recorded and are no samples."""
    model = ticks.model(lambda run: 30 if run == 0 else 20 if run < 4 else 1)
    timings = time_models([model], EFFORT, clock=ticks)
    times = timings.models[0]
    assert times.load_ms == pytest.approx([20.0] * 4)
    assert times.first_run_ms == pytest.approx([30.0] * 4)
    assert set(times.ms) == {1.0}
    assert (timings.warm_up_runs, timings.warm_up_ms) == (12, pytest.approx(240.0))
    content = latency.latency_content(timings, EFFORT, seed=0)
    assert content["cold_start"] == {"load_ms": 20.0, "first_run_ms": 30.0}


def test_models_take_turns_in_random_order(ticks: Any) -> None:
    """Both models run once a round; which goes first is drawn, the same for the same seed."""
    loaders = [ticks.model(lambda _: 1), ticks.model(lambda _: 2)]
    timings = time_models(loaders, EFFORT, seed=3, clock=ticks)
    assert len(timings.models[0].ms) == len(timings.models[1].ms) == len(timings.first) == 100
    assert 30 < sum(timings.first) < 70
    assert time_models(loaders, EFFORT, seed=3, clock=ticks).first == timings.first
    assert time_models(loaders, EFFORT, seed=4, clock=ticks).first != timings.first


def test_seconds_and_runs_are_both_reached(ticks: Any) -> None:
    """A fast model runs until the time is over, a slow one until it ran often enough."""
    effort = Effort(seconds=1.0, runs=20, loads=2)
    fast = time_models([ticks.model(lambda _: 1)], effort, clock=ticks)
    assert len(fast.models[0].ms) in range(999, 1003)
    slow = time_models([ticks.model(lambda _: 400)], effort, clock=ticks)
    assert len(slow.models[0].ms) == 20


def test_each_load_has_its_samples(ticks: Any) -> None:
    """A sample knows its load, so that a slow load can be told from a slow model."""
    timings = time_models([ticks.model(lambda _: 1)], EFFORT, clock=ticks)
    assert [timings.load.count(load) for load in range(4)] == [25] * 4


def test_progress_counts_loads(ticks: Any) -> None:
    """Progress is told after each load, up to all of them."""
    seen: list[int] = []
    time_models([ticks.model(lambda _: 1)], EFFORT, clock=ticks, progress=seen.append)
    assert seen == [1, 2, 3, 4]


FAULTY = [
    # samples, note
    (_samples([]), "no runs"),
    (_samples([1.0, 2.0], load=[0]), "a sample without a load"),
    (_samples([1.0, 2.0], load=[0, 0]), "one load only"),
    (
        _samples([1.0, 2.0], against_ms=[1.0], against_load_ms=[1.0], against_first_run_ms=[1.0]),
        "no pairs",
    ),
]


@pytest.mark.parametrize("samples", [case[0] for case in FAULTY], ids=[case[1] for case in FAULTY])
def test_faulty_samples(samples: dict[str, Any]) -> None:
    """Samples without loads or pairs give no figures."""
    with pytest.raises(SamplesError):
        latency_figures(samples, SETTINGS)


EFFORTS = [
    # seconds, runs, loads, quick, expected, note
    (None, None, None, False, Effort(60.0, 1024, 20), "the usual"),
    (None, None, None, True, Effort(2.0, 40, 8), "a quick look"),
    (90.0, 4096, None, False, Effort(90.0, 4096, 20), "what is asked for"),
    (0.0, 5, 2, True, Effort(0.0, 5, 2), "runs only"),
]


@pytest.mark.parametrize(("seconds", "runs", "loads", "quick", "expected", "note"), EFFORTS)
def test_effort(
    seconds: float | None,
    runs: int | None,
    loads: int | None,
    quick: bool,
    expected: Effort,
    note: str,
) -> None:
    """What the user asks for wins over the default and over --quick."""
    assert latency.effort_of(seconds, runs, loads, quick=quick) == expected, note


QUICK = [
    (Effort(60.0, 1024, 20), False, "the usual"),
    (Effort(59.0, 1024, 20), True, "too short"),
    (Effort(60.0, 1023, 20), True, "too few runs"),
]


@pytest.mark.parametrize(("effort", "quick", "note"), QUICK)
def test_less_than_usual_is_called_quick(
    ticks: Any, effort: Effort, quick: bool, note: str
) -> None:
    """A file of less than 60 s or 1,024 runs says so, however it came about."""
    timings = time_models([ticks.model(lambda _: 1)], EFFORT, clock=ticks)
    assert latency.latency_content(timings, effort, seed=0)["quick"] is quick, note


@pytest.mark.parametrize(("seconds", "runs", "loads"), [(-1.0, 5, 2), (1.0, 0, 2), (1.0, 5, 1)])
def test_impossible_effort(seconds: float, runs: int, loads: int) -> None:
    """No time, no runs or a single load measure nothing."""
    with pytest.raises(UsageError, match="--loads from 2"):
        latency.effort_of(seconds, runs, loads, quick=False)


def test_command_on_the_shipped_models(shipped: Any, tmp_path: Path, capsys: Any) -> None:
    """The command times int8 against float and writes a file that says all of it."""
    out = tmp_path / "latency.json"
    words = f"latency --quick --seconds 0 --runs 6 --loads 3 --json {out}".split()
    models = ["--model", str(shipped.age_int8), "--against", str(shipped.age_float)]
    assert cli.main([*words, *models]) == 0
    result = read_result(out)
    assert (result["model"]["scheme"], result["against"]["scheme"]) == ("int8", "float32")
    assert (result["n"], result["loads"], result["quick"]) == (6, 3, True)
    assert result["asked"] == {"seconds": 0.0, "runs": 6, "loads": 3}
    assert result["command"] == ["faceage-benchmark", *words, *models]
    assert result["samples"]["load"] == [0, 0, 1, 1, 2, 2]
    assert "| ratio" in capsys.readouterr().out


def test_json_on_stdout(shipped: Any, capsys: Any) -> None:
    """With --json - stdout is the JSON alone and the table goes to stderr."""
    words = f"latency --seconds 0 --runs 2 --loads 2 --json - --model {shipped.age_int8}"
    assert cli.main(words.split()) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["kind"] == "latency"
    assert "| p50, ms" in captured.err
