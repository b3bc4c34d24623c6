"""The loop watched from outside: its figures by hand, what a process uses, and a real run."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks.cli import main
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.loop import _enough, _Seen
from faceage_benchmarks.loop_figures import loop_figures
from faceage_benchmarks.result import bootstrap_settings, read_result
from faceage_benchmarks.usage import usage_of
from faceage_calibration.errors import SamplesError

SETTINGS = bootstrap_settings("seconds of the run")


def _samples(seconds: int = 11, *, every: int = 2) -> dict[str, Any]:
    """Return a loop at 10 results a second that sees every second frame of 20 a second."""
    n = 10 * seconds + 1
    return {
        "warm_up_s": 1.0,
        "first_result_s": 0.5,
        "frame": [every * index for index in range(n)],
        "at_s": [index / 10 for index in range(n)],
        # The first second is slow: it is warm-up and no figure knows it.
        "latency_ms": [500.0 if index < 10 else 40.0 + index % 5 for index in range(n)],
        "faces": [1] * n,
        "usage": {
            "at_s": [float(second) for second in range(seconds + 1)],
            "cpu_s": [0.5 * second for second in range(seconds + 1)],
            "rss_bytes": [100 + second for second in range(seconds + 1)],
        },
    }


def test_figures_by_hand() -> None:
    """Rate, drops, delays and CPU of a loop that takes every second frame."""
    figures = loop_figures(_samples(), SETTINGS)
    assert figures["n"] == 101
    assert figures["fps"] == pytest.approx(10)
    assert figures["rate_seen"] == pytest.approx(20)
    assert (figures["drops"], figures["drop_share"]) == (100, pytest.approx(0.5))
    assert figures["p50_ms"] == 42.0
    assert figures["p99_ms"] == 44.0
    assert figures["faces_per_frame"] == 1
    (minute,) = figures["minutes"]
    assert minute["cpu_s"] == pytest.approx(30), "half a core, scaled up to a minute"
    assert minute["rss_bytes"] == 111


def test_whole_minutes_are_apart() -> None:
    """A run of over two minutes has two, each with its own results."""
    figures = loop_figures(_samples(121), SETTINGS)
    assert [one["results"] for one in figures["minutes"]] == [600, 600]
    assert [one["cpu_s"] for one in figures["minutes"]] == pytest.approx([30, 30])


def test_too_short() -> None:
    """A run that ends with its warm-up has no figures."""
    with pytest.raises(SamplesError, match="run for longer"):
        loop_figures(_samples(1), SETTINGS)
    samples = _samples(3)
    samples["usage"] = {name: values[:1] for name, values in samples["usage"].items()}
    with pytest.raises(SamplesError, match="let the loop run for longer"):
        loop_figures(samples, SETTINGS)


def test_results_of_the_warm_up_do_not_count() -> None:
    """A run goes on until enough results came behind its warm-up, or its file would be quick."""
    seen = _Seen(lines=[(2.0 + index / 10, "") for index in range(111)])  # 11 s, 1 of warm-up
    assert _enough(seen, 11.0, 101)
    assert not _enough(seen, 11.0, 102)
    assert not _enough(seen, 12.0, 10)
    assert not _enough(_Seen(), 0.1, 0)


def _process(proc: Path, pid: int, parent: int, *, ticks: int, pages: int) -> None:
    fields = ["0"] * 50
    fields[0], fields[1] = "S", str(parent)
    fields[11], fields[21] = str(ticks), str(pages)
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "stat").write_text(f"{pid} (a) b) {' '.join(fields)}\n")


def test_usage_counts_the_family(tmp_path: Path) -> None:
    """A process, its child and its grandchild count; its neighbour does not."""
    _process(tmp_path, 10, 1, ticks=100, pages=1)
    _process(tmp_path, 11, 10, ticks=20, pages=2)
    _process(tmp_path, 12, 11, ticks=3, pages=4)
    _process(tmp_path, 13, 1, ticks=1000, pages=8)
    (tmp_path / "meminfo").write_text("not a process")
    used = usage_of(10, tmp_path)
    assert used is not None
    assert used.cpu_s == pytest.approx(123 / os.sysconf("SC_CLK_TCK"))
    assert used.rss_bytes == 7 * os.sysconf("SC_PAGE_SIZE")
    assert usage_of(99, tmp_path) is None


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film of twelve grey frames."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12, (320, 240))
    for index in range(12):
        writer.write(np.full((240, 320, 3), 100 + index, np.uint8))
    writer.release()
    return path


@pytest.mark.slow
def test_the_installed_loop(film: Path, tmp_path: Path) -> None:
    """A film of one second runs over and over at the rate asked; the file is recomputed."""
    out = tmp_path / "loop.json"
    words = ["loop", "--source", str(film), "--rate", "10", "--seconds", "2", "--json", str(out)]
    assert main([*words, "--detector", "face-finder"]) == 0
    result = read_result(out)
    assert result["quick"] is True
    assert result["source"] == "film.avi"
    assert max(result["samples"]["frame"]) > 20, "the film has 12 frames"
    assert {one["name"] for one in result["models"]} >= {"age-mobilenet-coral"}
    again = recompute(result)
    assert {key: result[key] for key in again} == again


@pytest.mark.slow
def test_a_clip_without_a_rate(film: Path, tmp_path: Path, capfd: Any) -> None:
    """A clip that ends is one message that names --rate, and no file."""
    out = tmp_path / "loop.json"
    assert main(["loop", "--source", str(film), "--quick", "--json", str(out)]) == 1
    assert "needs --rate" in capfd.readouterr().err
    assert not out.exists()
