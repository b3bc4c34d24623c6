"""The labels.csv of a set."""

import math

import pytest

from faceage_calibration.label_file import (
    LabelTable,
    match_labels,
    read_label_file,
    read_label_rows,
)
from faceage_calibration.labels import AgeBin, Label
from faceage_edge.errors import FacesError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("file,age\na.jpg,31\n", Label(31.0), id="the least"),
        pytest.param("file,age\na.jpg,31.5\n", Label(31.5), id="a fraction of a year"),
        pytest.param(
            "file,age_bin,gender,race\na.jpg,20-29,Male,East Asian\n",
            Label(None, AgeBin(20, 30), "male", "East Asian"),
            id="FairFace's columns",
        ),
        pytest.param(
            "file,age,gender,race,service_test\na.jpg,more than 70,Female,White,True\n",
            Label(None, AgeBin(70, math.inf), "female", "White"),
            id="FairFace as published: a span under age, one more column",
        ),
        pytest.param(
            "race;Image;Sex;Age Group\nIndian;a.jpg;F;0-2\n",
            Label(None, AgeBin(0, 3), "female", "Indian"),
            id="semicolons, other order, other spellings",
        ),
        pytest.param(
            "file,age,age_bin\na.jpg,31,20-29\n",
            Label(31.0, AgeBin(20, 30)),
            id="both ages are kept; the exact one wins where one counts",
        ),
        pytest.param("file,age,age_bin\na.jpg,,20-29\n", Label(bin=AgeBin(20, 30)), id="no exact"),
        pytest.param("\ufefffile,age\r\na.jpg,31\r\n", Label(31.0), id="Excel: BOM and CRLF"),
        pytest.param('file,age\n"./a.jpg", 31\n\n,\n', Label(31.0), id="blank lines, blanks, ./"),
        pytest.param("file\tage\na.jpg\t31\n", Label(31.0), id="tabs"),
        pytest.param("file,age,gender\na.jpg,31\n", Label(31.0), id="a short row"),
    ],
)
def test_tables_that_are_read(text: str, label: Label) -> None:
    """A row becomes a label whatever program wrote the table."""
    assert read_label_file(text.encode(), "labels.csv").labels == {"a.jpg": label}


def test_windows_paths_become_portable() -> None:
    """Backslashes part folders as slashes do."""
    table = read_label_file(b"file,age\ntrain\\a.jpg,31\n", "labels.csv")
    assert list(table.labels) == ["train/a.jpg"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "columns none; expected file and age", id="empty"),
        pytest.param(b"name,years old\na,3\n", "expected file and age", id="other columns"),
        pytest.param(b"file,gender\na.jpg,m\n", "expected file and age", id="no age column"),
        pytest.param(b"file,path,age\na,b,1\n", "2 columns for file", id="a column twice"),
        pytest.param(b"file,age\n", "no rows", id="no rows"),
        pytest.param(b"file,age\na.jpg,\n", r"line 2 \(a\.jpg\): no age", id="no age"),
        pytest.param(b"file,age\n,31\n", "line 2: no picture", id="no file"),
        pytest.param(b"file,age\na.jpg,300\n", "line 2.*a.jpg.*out of range", id="age too high"),
        pytest.param(b"file,age\na.jpg,-3\n", "line 2.*a.jpg.*out of range", id="age too low"),
        pytest.param(b"file,age\na.jpg,nan\n", "line 2.*not a number", id="age NaN"),
        pytest.param(b"file,age\na.jpg,old\n", "line 2.*no span", id="age a word"),
        pytest.param(b"file,age_bin\na.jpg,9-3\n", "line 2.*backwards", id="span backwards"),
        pytest.param(b"file,age\na,1\na,2\n", "line 3: a is named twice", id="named twice"),
        pytest.param(b"\xff\xfef\x00i\x00", "cannot be read as a table", id="UTF-16"),
        pytest.param(b'file,age\n"a', "cannot be read|no age", id="an open quote"),
    ],
)
def test_tables_that_are_refused(data: bytes, message: str) -> None:
    """What is wrong with a table is said with the line it is in."""
    with pytest.raises(FacesError, match=message):
        read_label_file(data, "labels.csv")


def test_rows_may_share_a_picture_where_boxes_count() -> None:
    """Read as rows, a picture may be named more than once, and a box comes as it stands."""
    rows, header = read_label_rows(b'file,age,bbox\na,1,"1,2,3,4"\n\na,2\n', "labels.csv")
    assert [(row.line, row.name, row.label.years, row.box) for row in rows] == [
        (2, "a", 1.0, "1,2,3,4"),
        (4, "a", 2.0, ""),
    ]
    assert header == ("file", "age", "bbox")


def test_a_box_means_nothing_to_a_set() -> None:
    """A set's pictures show one face each, and a column box is any other column."""
    table = read_label_file(b"file,age,box\na,1,anything\n", "labels.csv")
    assert table.labels == {"a": Label(1.0)}


def test_rows_and_pictures_must_match() -> None:
    """Neither a row without a picture nor a picture without a row passes."""
    table = LabelTable({"a.jpg": Label(1.0), "b.jpg": Label(2.0)}, ("file", "age"))
    names = {"a.jpg": "x/a.jpg", "b.jpg": "x/b.jpg"}
    assert match_labels(table, names, "t") == {"x/a.jpg": Label(1.0), "x/b.jpg": Label(2.0)}
    with pytest.raises(FacesError, match=r"1 of 2 rows name pictures that are not there \(b\.jpg"):
        match_labels(table, {"a.jpg": "x/a.jpg"}, "t")
    with pytest.raises(FacesError, match=r"1 of 3 pictures have no row \(c\.jpg"):
        match_labels(table, {**names, "c.jpg": "x/c.jpg"}, "t")
