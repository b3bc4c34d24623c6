"""The page of a folder of result files: it holds everything, and refuses what is no result."""

import re
from pathlib import Path
from typing import Any

import cv2
import pytest

from faceage_benchmarks.cli import main
from faceage_benchmarks.plots import error_by_age
from faceage_benchmarks.result import write_result

Results = dict[str, dict[str, Any]]


@pytest.fixture
def folder(results: Results, tmp_path: Path) -> Path:
    """Return a folder of three results, and of a JSON file that is none."""
    for name, key in (("ages", "exact ages, two models"), ("times", "latency")):
        write_result(tmp_path / f"{name}.json", results[key])
    write_result(tmp_path / "found.json", results["detection"])
    (tmp_path / "budget.json").write_text('{"limit": 1}')
    return tmp_path


def test_report_is_one_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page needs no other file: every plot is in it, and nothing is fetched."""
    out = folder / "page"
    assert main(["report", str(folder), "--out", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    for title in ("Time and error", "What int8 costs in years", "Finding faces", "Not measured"):
        assert f"<h2>{title}</h2>" in page
    for plot in ("latency-against-error", "latency-distribution", "error-by-age"):
        assert cv2.imread(str(out / f"{plot}.png")) is not None
        assert (out / f"{plot}.svg").read_text().startswith("<?xml")
        assert f"({plot}.svg)" in (out / "report.md").read_text()
    assert "passed over, no result file" in capsys.readouterr().err


def test_report_repeats(folder: Path) -> None:
    """The same files give the same bytes."""
    for name in ("a", "b"):
        assert main(["report", str(folder), "--out", str(folder / name)]) == 0
    for one in (folder / "a").iterdir():
        assert one.read_bytes() == (folder / "b" / one.name).read_bytes(), one.name


def test_many_files_leave_a_plot_its_room(results: Results) -> None:
    """Twenty names below it make the sheet higher, not the axes lower; no two look alike."""
    ages = results["exact ages, two models"]
    heights = []
    for count in (2, 20):
        figure = error_by_age([(f"file {number}", ages) for number in range(count)])
        assert figure is not None
        figure.draw_without_rendering()
        (axes,) = figure.axes
        heights.append(axes.get_position().height * figure.get_figheight())
        marks = {(line.get_color(), line.get_marker()) for line, *_ in axes.containers}
        assert len(marks) == count
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


def test_compare_merges_kinds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times and ages of one model stand in one row; what has no row is named."""
    files = [str(folder / f"{name}.json") for name in ("ages", "times", "found")]
    assert main(["compare", *files, "--out", str(folder / "page")]) == 0
    text = capsys.readouterr().out
    (row,) = [line for line in text.splitlines() if line.startswith("| age-mobilenet-coral int8")]
    assert "error from ages" in row
    assert "found: a detection result has no row here" in text
    assert (folder / "page" / "report.html").is_file()


REFUSED = [
    ("nowhere", None, 2, "is no folder"),
    (".", {}, 1, "holds no result file"),
    (".", {"x.json": '{"schema": "faceage-result/9"}'}, 1, "in format faceage-result/9"),
    (".", {"x.json": '{"schema": '}, 1, "is not JSON"),
]


@pytest.mark.parametrize(("name", "files", "code", "words"), REFUSED)
def test_refused(
    tmp_path: Path, capsys: Any, name: str, files: dict[str, str] | None, code: int, words: str
) -> None:
    """No folder, no result in it, one too new or cut short: one message, nothing written."""
    for file, text in (files or {}).items():
        (tmp_path / file).write_text(text)
    out = tmp_path / "page"
    assert main(["report", str(tmp_path / name), "--out", str(out)]) == code
    assert words in capsys.readouterr().err
    assert not out.exists()
