"""Files of several machines as one list: rows meet by digest, samples never."""

import copy
from typing import Any

import pytest

from faceage_benchmarks.boards import BOARDS, missing_boards, missing_grid
from faceage_benchmarks.grid import html_grid, markdown_grid
from faceage_benchmarks.merged import merge, merged_grid
from faceage_benchmarks.sections import sections_of

Results = dict[str, dict[str, Any]]


def _elsewhere(result: dict[str, Any], board: str, slower: float) -> dict[str, Any]:
    """Return a latency result as another machine would give it."""
    moved = copy.deepcopy(result)
    moved["machine"]["model"] = board
    moved["samples"]["ms"] = [slower * ms for ms in moved["samples"]["ms"]]
    for key in ("p50_ms", "p90_ms", "p99_ms"):
        moved[key] *= slower
        moved[f"{key}_ci95"] = [slower * end for end in moved[f"{key}_ci95"]]
    return moved


def test_a_row_for_each_model_and_machine(results: Results) -> None:
    """Two machines and two models give four rows, each with its own samples and no others."""
    here = results["latency"]
    there = _elsewhere(here, "Raspberry Pi 5 Model B Rev 1.0", 3)
    rows = merge([("here", here), ("there", there)])
    assert len({(row.digest, row.on) for row in rows}) == len(rows) == 4
    assert rows[0].samples == here["samples"]["ms"]
    assert rows[2].samples == there["samples"]["ms"]
    assert rows[2].ms["p50"][0] == pytest.approx(3 * here["p50_ms"])
    assert "Raspberry Pi 5" in rows[2].on


def test_times_and_errors_meet_by_digest(results: Results) -> None:
    """The error in a row is that of the same bytes, and says which file it is from."""
    pair = [("ages", results["exact ages, two models"]), ("times", results["latency"])]
    ours, theirs = merge(pair)
    assert ours.mae == results["exact ages, two models"]["mae"]
    assert theirs.mae == results["exact ages, two models"]["against_figures"]["mae"]
    assert "error from ages, detect crops" in ours.notes
    other = copy.deepcopy(results["exact ages, two models"])
    other["model"]["digest"] = "9" * 64
    rows = merge([("ages", other), ("times", results["latency"])])
    assert rows[0].mae is None
    assert [row.on for row in rows[2:]] == ["not timed"]
    assert "not measured" in merged_grid(rows)[1]


def test_error_on_the_camera_s_crops_goes_first(results: Results) -> None:
    """Of two accuracy files of a model, the one cut by the detector gives the error."""
    aligned = copy.deepcopy(results["exact ages, two models"]) | {"crops": "aligned", "mae": 1.0}
    found = copy.deepcopy(results["exact ages, two models"]) | {"mae": 2.0}
    assert merge([("aligned", aligned), ("found", found)])[0].mae == 2.0


def test_quick_and_tainted_rows_say_so(results: Results) -> None:
    """A table shows what is doubtful of a row; an older file says that it was not judged."""
    doubtful = results["latency"] | {"quick": True, "tainted": True, "taint": ["throttled (0x4)"]}
    assert merge([("f", doubtful)])[0].notes == ("quick look", "tainted: throttled (0x4)")
    old = {key: value for key, value in results["latency"].items() if "taint" not in key}
    old |= {"schema": "faceage-result/1", "quick": False}
    assert merge([("f", old)])[0].notes == ("disturbance not recorded (format 1)",)


def test_int8_costs_stand_in_two_rows(results: Results) -> None:
    """Identical crops, and whole pipelines with the float one as the base, are two rows."""
    both = results["exact ages, two models"]
    whole = copy.deepcopy(both) | {"detector": {"path": "float32", "digest": "77" * 32}}
    whole["model"]["scheme"] = "float32"
    del whole["delta_mae"]
    titled = [("crops", both), ("float-pipeline", whole)]
    (costs,) = [one for one in sections_of(titled, []) if one.title == "What int8 costs in years"]
    assert [line[0] for line in costs.grid[1:]] == [
        "identical crops (crops, detect): int8 against float32",
        "whole pipelines: crops against float-pipeline",
    ]


def test_unmeasured_boards_are_named_with_their_command(results: Results) -> None:
    """Every board without a file is a row with the command; one with a file is none."""
    here = results["latency"]
    assert missing_boards([("here", here)]) == list(BOARDS)
    there = _elsewhere(here, "Raspberry Pi 5 Model B Rev 1.0", 3)
    left = missing_boards([("there", there)])
    assert ("Raspberry Pi 5", "latency") not in [(board.name, board.kind) for board in left]
    assert ("Raspberry Pi 5", "loop") in [(board.name, board.kind) for board in left]
    for line in missing_grid(left)[1:]:
        assert line[2] == "not measured"
        assert "faceage-benchmark " in line[3]
    on_gpu = copy.deepcopy(here)
    on_gpu["model"]["device"] = "GPU: some card"
    assert len(missing_boards([("gpu", on_gpu)])) == len(BOARDS) - 1


def test_cells_are_escaped() -> None:
    """A file's name cannot break the table or the page."""
    grid = [["", "a|b"], ["<b>", "x\ny"]]
    assert markdown_grid(grid) == "|     | a/b |\n|-----|-----|\n| <b> | x y |\n"
    assert '<th scope="row">&lt;b&gt;</th>' in html_grid(grid)
