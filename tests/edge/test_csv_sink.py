"""Results as a table."""

import csv
from pathlib import Path

import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge.csv_sink import COLUMNS, CsvTable
from faceage_edge.errors import OutputError
from faceage_edge.result import FrameResult


def test_every_face_is_a_line(tmp_path: Path) -> None:
    """The head is there from the start, and a reader sees each line when it is written."""
    target = tmp_path / "ages.csv"
    with CsvTable(target, FrameResult.to_json) as sink:
        sink.write(result(0), PICTURE)
        assert target.read_text().splitlines() == [",".join(COLUMNS)]
        sink.write(result(1, face(1), face(2, 50.5)), PICTURE)
        with target.open(newline="") as file:
            rows = list(csv.DictReader(file))
    assert [(row["frame"], row["track"], row["age"]) for row in rows] == [
        ("1", "1", "34.0"),
        ("1", "2", "50.5"),
    ]
    assert (rows[0]["x"], rows[0]["height"], rows[0]["over"]) == ("20.0", "60.0", "")


def test_runs_add_up(tmp_path: Path) -> None:
    """One head, and the lines of both."""
    target = tmp_path / "ages.csv"
    for _ in range(2):
        with CsvTable(target, FrameResult.to_json) as sink:
            sink.write(result(0, face()), PICTURE)
    lines = target.read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == 3
    assert lines[1] == lines[2]


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    """As a power cut leaves it: the next run begins on a line of its own."""
    target = tmp_path / "ages.csv"
    target.write_text(",".join(COLUMNS) + "\n0,0.0,1,2")
    with CsvTable(target, FrameResult.to_json) as sink:
        sink.write(result(7, face()), PICTURE)
    _, torn, whole = target.read_text().splitlines()
    assert torn == "0,0.0,1,2"
    assert whole.startswith("7,") and whole.count(",") == len(COLUMNS) - 1


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("no/a.csv", "is no folder")])
def test_a_place_that_cannot_be_written_is_said_at_once(
    tmp_path: Path, name: str, words: str
) -> None:
    """Before any frame is looked at."""
    with pytest.raises(OutputError, match=words):
        CsvTable(tmp_path / name, FrameResult.to_json)
