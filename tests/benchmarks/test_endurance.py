"""The camera loop kept running: rows and figures by hand, and real runs under faults."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_benchmarks import endurance
from faceage_benchmarks.cli import main
from faceage_benchmarks.endurance_figures import endurance_figures
from faceage_benchmarks.endurance_samples import Reading, Seen, endurance_samples
from faceage_benchmarks.result import bootstrap_settings

Recomputed = Callable[[Path], dict[str, Any]]

Samples = dict[str, dict[str, Any]]
SETTINGS = bootstrap_settings("turns")


def test_endurance_by_hand(loop_samples: Samples) -> None:
    """Results are added, the worst wait is kept, a pause of the frames is not the loop's."""
    figures = endurance_figures(loop_samples["endurance"], SETTINGS)
    assert (figures["frames"], figures["frames_lost"], figures["seconds"]) == (125, 5, 15.0)
    assert (figures["restarts"], figures["degraded_results"], figures["faults"]) == (1, 5, 3)
    assert figures["longest_gap_s"] == 6.5
    assert figures["longest_gap_after_s"] == {"killed": 6.5, "no frames": 0.25}
    assert figures["rss_mb"] == {"start": 80.0, "end": 84.0, "most": 84.0}


def _seen(seconds: float) -> Seen:
    """Return a run of ten results a second with a fault and a restart in its middle."""
    times = [100 + index / 10 for index in range(int(10 * seconds) + 1)]
    middle = 100 + seconds / 2
    times = [at for at in times if not middle < at < middle + 2]
    read = [Reading(at, 80 + at - 100, 4, 1) for at in np.arange(98.0, 100 + seconds, 2)]
    return Seen(
        times=times,
        degraded=[False] * len(times),
        restarts=[int(at > middle) for at in times],
        readings=read,
        faults=[(middle + 0.01, "killed"), (times[-1], "abort")],
        fed=len(times) + 3,
    )


@pytest.mark.parametrize(("seconds", "slices"), [(2, 1), (14, 2), (60, 12), (3600, 120)])
def test_slices(seconds: float, slices: int) -> None:
    """However long the run, few rows, in which no result, restart or reading is lost."""
    seen = _seen(seconds)
    samples = endurance_samples(seen, pause_s=3.0)
    rows = samples["slices"]
    assert {len(values) for values in rows.values()} == {slices}
    assert sum(rows["results"]) == len(seen.times)
    assert rows["end_s"][-1] == pytest.approx(seen.times[-1] - 100)
    assert rows["restarts"][-1] == max(seen.restarts)
    assert max(gap for gap in rows["longest_gap_s"] if gap is not None) == pytest.approx(
        max(np.diff(seen.times)), abs=1e-3
    )
    # The first reading was before the first result: the worker was only starting.
    within = [one.rss_mb for one in seen.readings if 100 <= one.at_s <= seen.times[-1]]
    assert max(value for value in rows["rss_mb"] if value is not None) == max(within)


def test_gaps_after_faults() -> None:
    """From the fault, not from the result before it; none where the run ended."""
    faults = endurance_samples(_seen(60), pause_s=3.0)["faults"]
    assert faults["fault"] == ["killed", "abort"]
    assert faults["gap_s"] == [pytest.approx(1.99, abs=1e-3), None]


@pytest.mark.slow
def test_endurance_runs(tmp_path: Path, recomputed: Recomputed) -> None:
    """Some seconds of the installed camera: no frame is lost, and its worker is looked at."""
    out = tmp_path / "r.json"
    assert main(["endurance", "--frames", "9000", "--json", str(out)]) == 0
    result = recomputed(out)
    assert (result["quick"], result["frames_fed"], result["frames_lost"]) == (True, 9000, 0)
    assert result["rss_mb"]["most"] > 20
    assert {one["scheme"] for one in result["models"]} == {"int8"}


@pytest.mark.slow
def test_endurance_under_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recomputed: Recomputed
) -> None:
    """A worker that is killed comes back, and the file has a row for each fault."""
    monkeypatch.setattr(endurance, "_FAULTS_S", (1.0, 2.0))
    monkeypatch.setattr(endurance, "_LAST_S", 6.0)
    monkeypatch.setattr(endurance, "_FAULTS", {"killed": endurance._FAULTS["killed"]})
    out = tmp_path / "r.json"
    assert main(["endurance", "--minutes", "0.25", "--json", str(out)]) == 0
    result = recomputed(out)
    assert result["restarts"] >= 1
    assert result["faults"] == len(result["samples"]["faults"]["gap_s"]) >= 1
    assert result["longest_gap_after_s"]["killed"] > 0.04


def test_a_camera_that_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message with its last words, and no file."""
    broken = (sys.executable, "-c", "import sys; sys.exit('no camera today')")
    monkeypatch.setattr(endurance, "asked_models", lambda program: [])
    monkeypatch.setattr(endurance, "_CAMERA", broken)
    out = tmp_path / "r.json"
    assert main(["endurance", "--frames", "9", "--json", str(out)]) == 1
    assert "its last words: no camera today" in capsys.readouterr().err
    assert not out.exists()
