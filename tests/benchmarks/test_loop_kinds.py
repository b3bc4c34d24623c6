"""What the loop costs and how fresh it is: by hand, and real runs; errors of all such kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks import loop_cost
from faceage_benchmarks.cli import main
from faceage_benchmarks.figures import FIGURES
from faceage_benchmarks.freshness_figures import freshness_figures
from faceage_benchmarks.loop_cost_figures import loop_cost_figures
from faceage_benchmarks.result import bootstrap_settings
from faceage_benchmarks.tables import table_of
from faceage_calibration.errors import SamplesError

Recomputed = Callable[[Path], dict[str, Any]]

Samples = dict[str, dict[str, Any]]
SETTINGS = bootstrap_settings("turns")


def test_loop_cost_by_hand(loop_samples: Samples) -> None:
    """Seconds of turns become milliseconds a frame and shares; a film's ages become medians."""
    figures = loop_cost_figures(loop_samples["loop-cost"], SETTINGS)
    assert (figures["n"], figures["turns"], figures["frames_a_turn"]) == (60, 2, 30)
    scene = figures["scenes"]["idle"]
    assert scene["cpu_ms_a_frame"] == pytest.approx({"mtcnn": 1.5, "yunet-every-frame": 10})
    assert scene["cpu_ms_a_frame_ci95"]["mtcnn"] == pytest.approx([1, 2])
    assert scene["share_of_yunet"] == {"mtcnn": pytest.approx(0.15)}
    assert scene["yunet_faces_a_frame"] == 0.5
    film = figures["clips"]["film"]["mtcnn"]
    assert (film["faces"], film["found"], film["extra"], film["most_apart"]) == (10, 9, 2, 1.0)
    assert film["people"] == [
        {
            "frames": 10, "found_in": 9, "every_frame_median": 30.0, "median": 31.0, "apart": 1.0,
            "every_frame_last": 30.0, "last": 31.0, "last_apart": 1.0,
        }
    ]  # fmt: skip


def test_in_the_end_counts_the_last_frame_that_both_have(loop_samples: Samples) -> None:
    """The age when the person leaves; a frame in which the loop has nobody tells nothing."""
    rows = loop_samples["loop-cost"]["clips"]["film"]["mtcnn"]
    rows |= {"age": [40.0] * 8 + [30.0, 20.0], "loop_age": [38.0] * 8 + [30.5, None]}
    film = loop_cost_figures(loop_samples["loop-cost"], SETTINGS)["clips"]["film"]["mtcnn"]
    (person,) = film["people"]
    assert (person["every_frame_last"], person["last"]) == (30.0, 30.5)
    assert (film["most_apart"], film["most_last_apart"]) == (2.0, 0.5)


def test_a_passer_by_is_nobody(loop_samples: Samples) -> None:
    """A person in fewer than ten frames has no median, and one the loop never saw none either."""
    rows = loop_samples["loop-cost"]["clips"]["film"]["mtcnn"]
    rows |= {"person": [1] * 9 + [2], "loop_age": [None] * 10}
    film = loop_cost_figures(loop_samples["loop-cost"], SETTINGS)["clips"]["film"]["mtcnn"]
    assert (film["people"], film["most_apart"]) == ([], None)
    rows["person"] = [1] * 10
    film = loop_cost_figures(loop_samples["loop-cost"], SETTINGS)["clips"]["film"]["mtcnn"]
    assert (film["people"][0]["median"], film["most_apart"]) == (None, None)


def test_freshness_by_hand(loop_samples: Samples) -> None:
    """Delays run from 100 to 124 ms, model runs take 90, a camera's interval is 50."""
    figures = freshness_figures(loop_samples["freshness"], SETTINGS)
    assert (figures["n"], figures["unaccounted"]) == (25, 1)
    assert figures["p50_ms"] == 112
    assert figures["waited_p50_intervals"] == pytest.approx(22 / 50)
    assert figures["waited_most_intervals"] == pytest.approx(34 / 50)
    low, high = figures["waited_p99_intervals_ci95"]
    assert low <= figures["waited_p99_intervals"] <= high


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    # kind, what is done to its samples, part of the message
    ("loop-cost", lambda s: s["cpu_s"]["idle"]["mtcnn"].pop(), "the same turns"),
    ("freshness", lambda s: s["model_ms"].pop(), "a model time"),
    ("freshness", lambda s: s.update(frame=[0] * 25), "a frame of its own"),
    ("freshness", lambda s: s.update(at_s=[0.0] * 25), "run for longer"),
    ("endurance", lambda s: s["slices"].update(results=[1, 0, 0]), "running for longer"),
    ("endurance", lambda s: s["slices"].update(rss_mb=[None] * 3), "never read"),
    ("fuzz", lambda s: s["progress"].update(executions=[0] * 4), "run for longer"),
]


@pytest.mark.parametrize(("kind", "change", "message"), BROKEN)
def test_samples_that_say_nothing(
    loop_samples: Samples, kind: str, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    """Are refused in words."""
    change(loop_samples[kind])
    with pytest.raises(SamplesError, match=message):
        FIGURES[kind](loop_samples[kind], SETTINGS)


def test_tables(results: Samples) -> None:
    """Each kind has a table with its headline in it."""
    cells = {
        "loop-cost": "15.0 [10.0, 20.0] %",
        "freshness": "112.0 [",
        "endurance": "after no frames, s",
        "fuzz": "edges reached",
    }
    for kind, cell in cells.items():
        assert cell in table_of([(kind, results[kind])]), kind


USAGE = [
    ["freshness", "--json", "o", "--model-ms", "0"],
    ["freshness", "--json", "o", "--fps", "-3"],
    ["freshness", "--json", "o", "--seconds", "inf"],
    ["endurance", "--json", "o"],
    ["endurance", "--json", "o", "--frames", "0"],
    ["endurance", "--json", "o", "--frames", "9", "--minutes", "1"],
    ["loop-cost", "--json", "o", "--yunet", "y", "--turns", "1"],
    ["fuzz", "--json", "o"],
]


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_usage_errors(words: list[str]) -> None:
    """A command line that cannot be meant ends with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


@pytest.mark.slow
def test_freshness_runs(tmp_path: Path, recomputed: Recomputed) -> None:
    """Two seconds of a camera at 20 frames and a model of a tenth: half the frames are dropped."""
    out = tmp_path / "r.json"
    words = ["--model-ms", "100", "--fps", "20", "--seconds", "2", "--json", str(out)]
    assert main(["freshness", *words]) == 0
    result = recomputed(out)
    assert (result["quick"], result["frames_delivered"], result["unaccounted"]) == (True, 40, 0)
    assert result["drops"] >= 15


@pytest.mark.slow
def test_loop_cost_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recomputed: Recomputed
) -> None:
    """Both loops and a stand-in for YuNet take turns on one scene, and see a film."""
    (tmp_path / "yunet.onnx").write_bytes(b"a detector")
    films = tmp_path / "films"
    films.mkdir()
    assert cv2.imwritemulti(str(films / "grey.gif"), [np.full((240, 320, 3), 99, np.uint8)] * 3)
    monkeypatch.setattr(loop_cost, "SCENES", ("idle",))
    monkeypatch.setattr(loop_cost, "CommonRun", _Nothing)
    out = tmp_path / "r.json"
    words = ["--yunet", str(tmp_path / "yunet.onnx"), "--clips", str(films), "--turns", "2"]
    assert main(["loop-cost", *words, "--json", str(out)]) == 0
    result = recomputed(out)
    assert set(result["digests"]) == {"yunet.onnx", "grey.gif"}
    assert result["clips"]["grey"]["mtcnn"]["faces"] == 0
    assert {one["name"] for one in result["models"]} >= {"age-mobilenet-coral", "mtcnn-pnet"}
    assert result["quick"] is True


class _Nothing:
    """Stands in for YuNet and the ages of its faces."""

    faces = 0

    def __init__(self, yunet: Path, models: object) -> None:
        """Open nothing."""

    def __call__(self, pictures: list[Any]) -> None:
        """Take a little of the processor, as a ratio needs."""
        assert sum(int(picture.sum()) for picture in pictures) > 0


NO_FILES = [
    (["--yunet", "TMP/none.onnx"], "give YuNet's .onnx"),
    (["--yunet", "TMP/none.onnx", "--clips", "TMP"], "holds no .gif"),
]


@pytest.mark.parametrize(("words", "message"), NO_FILES)
def test_loop_cost_without_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """It is said which file is missing before anything is measured."""
    filled = [word.replace("TMP", str(tmp_path)) for word in words]
    assert main(["loop-cost", *filled, "--json", str(tmp_path / "r.json")]) == 1
    assert message in capsys.readouterr().err
