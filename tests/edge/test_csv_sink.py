"""Results as a table."""

import csv
from pathlib import Path

import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge.csv_sink import COLUMNS, GENDER_COLUMNS, CsvTable
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


def test_gender_has_columns_where_it_is_asked_for(tmp_path: Path) -> None:
    """Behind the others, and not without."""
    target = tmp_path / "ages.csv"
    with CsvTable(target, FrameResult.to_json, genders=True) as sink:
        sink.write(result(0, face(gender=("female", 0.8765))), PICTURE)
    with target.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == (*COLUMNS, *GENDER_COLUMNS)
    assert (row["gender"], row["gender_share"]) == ("female", "0.8765")


@pytest.mark.parametrize("before", [False, True])
def test_a_file_has_the_same_columns_throughout(tmp_path: Path, before: bool) -> None:
    """Gender asked for later, or no more: the earlier file is not added to, and stays."""
    target = tmp_path / "ages.csv"
    with CsvTable(target, FrameResult.to_json, genders=before) as sink:
        sink.write(result(0, face(gender=("female", 0.9) if before else None)), PICTURE)
    earlier = target.read_bytes()
    with pytest.raises(OutputError, match=r"begins with frame,.*this run's lines with frame,.*nam"):
        CsvTable(target, FrameResult.to_json, genders=not before)
    assert target.read_bytes() == earlier


@pytest.mark.parametrize("content", [b"notes of mine\n", b"\xff\x00" * 9000, b"\n"])
def test_a_file_of_another_kind_is_not_added_to(tmp_path: Path, content: bytes) -> None:
    """A line of text, bytes without a line, and a first line that is empty."""
    target = tmp_path / "ages.csv"
    target.write_bytes(content)
    with pytest.raises(OutputError, match="name another file, or move that one away") as caught:
        CsvTable(target, FrameResult.to_json)
    assert len(str(caught.value)) < 2000
    assert target.read_bytes() == content


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """As a power cut leaves it, or `touch`."""
    target = tmp_path / "ages.csv"
    target.touch()
    with CsvTable(target, FrameResult.to_json) as sink:
        sink.write(result(0, face()), PICTURE)
    assert target.read_text().startswith(",".join(COLUMNS) + "\n0,")


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("no/a.csv", "is no folder")])
def test_a_place_that_cannot_be_written_is_said_at_once(
    tmp_path: Path, name: str, words: str
) -> None:
    """Before any frame is looked at."""
    with pytest.raises(OutputError, match=words):
        CsvTable(tmp_path / name, FrameResult.to_json)
