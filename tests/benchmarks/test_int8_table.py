"""The table of ways to an int8 file: its rows come from result files, and --check tells."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.int8_table import main, way_table


def result(mae: float) -> dict[str, Any]:
    """What the table reads of an accuracy result."""
    bands = [
        {"band": "0-9", "delta_mae": 0.5, "delta_mae_ci95": [0.4, 0.6]},
        {"band": "70+", "delta_mae": 0.3, "delta_mae_ci95": [-0.2, 0.8]},
    ]
    return {
        "mae": mae,
        "against_figures": {"mae": 5.0},
        "delta_mae": mae - 5,
        "delta_mae_ci95": [mae - 5.1, mae - 4.9],
        "per_band": bands,
        "mean_abs_difference": 0.25,
        "max_abs_difference": 3.06,
    }


def test_rows() -> None:
    """A row for the float model once, then one a way; the worst band is the one whose interval
    reaches highest."""
    lines = way_table(
        [
            ("tiny", "plain", result(5.2)),
            ("tiny", "qat-1", result(4.9)),
            ("big", "plain", result(5)),
        ]
    ).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[0] for row in cells] == ["tiny", "", "", "big", ""]
    assert cells[0][1:4] == ["– (float)", "5.000", ""]
    assert cells[1][2:] == [
        "5.200", "+0.200 [+0.100, +0.300]", "70+: +0.300 [-0.200, +0.800]", "0.25", "3.1",
    ]  # fmt: skip
    assert cells[2][3] == "-0.100 [-0.200, +0.000]"


def test_a_page_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` fails with code 3 and changes nothing; without it the table is written."""
    page = tmp_path / "README.md"
    page.write_text("before\n<!--int8-ways-->\n<!--/int8-ways-->\nafter\n")
    words = ["--results", str(tmp_path), "--into", str(page)]
    assert main([*words, "--check"]) == 3
    assert "out of date" in capsys.readouterr().err and "model" not in page.read_text()
    assert main(words) == 0
    assert page.read_text().startswith("before\n<!--int8-ways-->\n\n| model")
    assert main([*words, "--check"]) == 0


def test_a_damaged_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no result is named."""
    (tmp_path / "int8-tiny-plain.json").write_text(json.dumps({"kind": "accuracy"}))
    page = tmp_path / "README.md"
    page.write_text("<!--int8-ways-->\n<!--/int8-ways-->\n")
    assert main(["--results", str(tmp_path), "--into", str(page)]) == 1
    assert "int8-tiny-plain.json" in capsys.readouterr().err
