"""The report's page and table hold what was found, need nothing else and show no face unasked."""

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_calibration.labels import Label
from faceage_convert.age_result import FaceRow
from faceage_convert.charts import Span, bars, intervals, scatter
from faceage_convert.cli import main
from faceage_convert.report_page import report_page

VOID = ("meta", "img", "br", "path")


@pytest.fixture(scope="module")
def bundle(
    tmp_path_factory: pytest.TempPathFactory, faces_in: Callable[..., Path], bare_float: bytes
) -> Path:
    """A conversion with pictures, into a folder whose name is markup."""
    home = tmp_path_factory.mktemp("page")
    faces = faces_in(home / "faces", 52)
    (home / "mine.tflite").write_bytes(bare_float)
    words = ["--model", str(home / "mine.tflite"), "--faces", str(faces), "--crops", "aligned"]
    words += ["--normalise", "signed-128", "--colour", "RGB", "--max-drop", "100"]
    out = home / "shown <b>"
    assert main([*words, "--out", str(out), "--with-pictures"]) == 0
    return out


class _Tags(HTMLParser):
    """Counts elements and holds that each is closed in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_page_is_whole_and_alone(bundle: Path) -> None:
    """Well-formed; no script, and nothing fetched from anywhere."""
    page = (bundle / "report.html").read_text()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.count["svg"] == 4
    assert "script" not in tags.count
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import", page)
    assert "shown &lt;b&gt;" in page
    assert "prefers-color-scheme:dark" in page


def test_pictures_only_when_asked(bundle: Path) -> None:
    """Faces are in the page with `--with-pictures` and never without."""
    assert (bundle / "report.html").read_text().count("data:image/jpeg;base64,") == 24
    document = json.loads((bundle / "report.json").read_text())
    crop = np.zeros((8, 8, 3), np.uint8)
    rows = [FaceRow("a.jpg", "0" * 64, Label(years=30.0), 30.0, 31.0, crop)]
    plain = report_page(document, rows, pictures=False)
    assert plain.count("<svg") == 4
    assert "data:" not in plain


def test_every_face_is_in_the_table(bundle: Path) -> None:
    """A line a face, the largest move first, by name and digest of its picture."""
    with (bundle / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 26
    assert all(len(row["sha256"]) == 64 for row in rows)
    moves = [abs(float(row["delta"])) for row in rows]
    assert moves == sorted(moves, reverse=True)
    for row in rows:
        # Each of the three is rounded to three digits.
        moved = float(row["converted"]) - float(row["float"])
        assert float(row["delta"]) == pytest.approx(moved, abs=0.0016)


def test_unchanged_run_says_so(
    bundle: Path, convert: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command again tells the same report at once; a file that was touched renews it."""
    from faceage_convert import cli

    out = bundle
    home = out.parent
    words = ["--model", home / "mine.tflite", "--faces", home / "faces", "--crops", "aligned"]
    words += ["--normalise", "signed-128", "--colour", "RGB", "--max-drop", "100"]
    words += ["--with-pictures", "--out", out]

    class Worked(Exception):
        """The conversion began."""

    def work(*_: object, **__: object) -> None:
        raise Worked

    monkeypatch.setattr(cli, "import_float", work)
    again = convert(*words)
    assert again.code == 0
    assert "nothing has changed" in again.err
    assert again.out == (out / "report.md").read_text() + "\n"
    with pytest.raises(Worked):
        convert(*words, "--again")
    with pytest.raises(Worked):
        convert(*words, "--count", "25")
    report = (out / "report.md").read_text()
    (out / "report.md").write_text("changed")
    with pytest.raises(Worked):
        convert(*words)
    (out / "report.md").write_text(report)
    (home / "faces" / "22_1_1_201799999999.jpg").write_bytes(
        next((home / "faces").iterdir()).read_bytes()
    )
    with pytest.raises(Worked):
        convert(*words)


CHARTS = [
    (scatter([(5.0, 5.0)], x="x", y="y", diagonal=True, name="one"), "one point"),
    (scatter([(1.0, -2.0), (90.0, 3.0)], x="x", y="y", diagonal=False, name="two"), "two points"),
    (intervals([Span("all", 0.0, 0.0, 0.0)], limit=0.25, x="x", name="none"), "no width"),
    (intervals([Span("<a>", 1e-4, -1e-4, 3e-4)], limit=None, x="x", name="small"), "small"),
    (bars([("layer & more", 31.0), ("zero", 0.0)], x="dB", name="bars"), "bars"),
    (bars([("zero", 0.0)], x="dB", name="nothing"), "all zero"),
]


@pytest.mark.parametrize(("chart", "note"), CHARTS, ids=[case[1] for case in CHARTS])
def test_chart_stays_in_its_picture(chart: str, note: str) -> None:
    """Any values give finite places inside the view box, and labels cannot be markup."""
    assert "nan" not in chart and "inf" not in chart
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', chart)
    assert box is not None
    width, height = map(float, box.groups())
    for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", chart):
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height
    assert "<a>" not in chart and " & " not in chart
