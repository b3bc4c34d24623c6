"""The labels.csv of a set: one row a picture, with an age or a span of ages.

The first line names the columns, in any order and case; other columns are ignored.

file        also filename, image, path: the picture, relative to labels.csv
age         years; FairFace's own files write a span here, which is read as one
age_bin     also age_group, age_range: a span such as 20-29 or more than 70
gender      also sex
race        also ethnicity

`file` and one of the two ages are needed; where a row gives both, the exact age wins. Commas,
semicolons or tabs part the columns; a byte order mark and Windows line ends are fine.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from faceage_calibration.labels import AgeBin, Label, parse_age, parse_age_bin
from faceage_edge.errors import FacesError

__all__ = [
    "LABEL_FILE",
    "LabelRow",
    "LabelTable",
    "match_labels",
    "read_label_file",
    "read_label_rows",
]

LABEL_FILE = "labels.csv"

_COLUMNS = {
    "file": ("file", "filename", "file_name", "image", "path"),
    "age": ("age", "years"),
    "age_bin": ("age_bin", "agebin", "age_group", "age_range"),
    "gender": ("gender", "sex"),
    "ethnicity": ("race", "ethnicity"),
    "box": ("box", "bbox"),
}
_GENDERS = {"m": "male", "f": "female"}


@dataclass(frozen=True)
class LabelTable:
    """The rows of a label file: labels by the picture's path, and the header as it stood."""

    labels: dict[str, Label]
    header: tuple[str, ...]


@dataclass(frozen=True)
class LabelRow:
    """One row: its line in the file, the picture's path, its label, and the column box as it
    stands, empty where there is none: only who cuts faces out of photos reads it."""

    line: int
    name: str
    label: Label
    box: str


def read_label_file(data: bytes, where: str) -> LabelTable:
    """Read a labels.csv.

    Args:
        data: the whole file.
        where: its name, for messages.

    Returns:
        The labels by picture path, relative to the label file's folder, with / between folders.

    Raises:
        FacesError: not a table with the columns needed, a row without file or age, a picture
            named twice, an age out of range.
    """
    rows, header = read_label_rows(data, where)
    labels: dict[str, Label] = {}
    for row in rows:
        if row.name in labels:
            raise FacesError(f"{where}, line {row.line}: {row.name} is named twice; keep one row")
        labels[row.name] = row.label
    return LabelTable(labels, header)


def read_label_rows(data: bytes, where: str) -> tuple[tuple[LabelRow, ...], tuple[str, ...]]:
    """Read the rows of a label file, of which several may name one picture.

    Returns:
        The rows in their order, and the header as it stood.

    Raises:
        FacesError: as `read_label_file`, but for a picture named twice.
    """
    try:
        text = data.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FacesError(
            f"{where} cannot be read as a table ({error}); expected UTF-8 text, columns parted by "
            "commas, with the names of the columns in the first line"
        ) from error
    header = tuple(_plain(cell) for cell in lines[0]) if lines else ()
    columns = _columns(header, where)
    rows = tuple(
        _row(row, columns, where, number)
        for number, row in enumerate(lines[1:], start=2)
        if any(cell.strip() for cell in row)
    )
    if not rows:
        raise FacesError(f"{where} has no rows; expected one for each picture")
    return rows, header


def match_labels(table: LabelTable, names: dict[str, str], where: str) -> dict[str, Label]:
    """Bring rows and pictures together; both sides must be complete.

    A picture without a row is an error: leaving it out would change the set it belongs to.

    Args:
        table: the rows.
        names: the pictures' names by their path relative to the label file.
        where: the label file, for messages.

    Returns:
        The labels by the pictures' names.

    Raises:
        FacesError: rows without a picture, or pictures without a row, with count and examples.
    """
    lost = [path for path in table.labels if path not in names]
    if lost:
        raise FacesError(
            f"{where}: {len(lost):,} of {len(table.labels):,} rows name pictures that are not "
            f"there ({', '.join(lost[:3])}); expected paths relative to the folder of {LABEL_FILE}"
        )
    bare = [path for path in names if path not in table.labels]
    if bare:
        raise FacesError(
            f"{where}: {len(bare):,} of {len(names):,} pictures have no row "
            f"({', '.join(bare[:3])}); add the rows or take the pictures out"
        )
    return {name: table.labels[path] for path, name in names.items()}


def _delimiter(text: str) -> str:
    """The separator that occurs most in the first line; a comma when none does."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _plain(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _columns(header: tuple[str, ...], where: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, spellings in _COLUMNS.items():
        places = [place for place, cell in enumerate(header) if cell in spellings]
        if len(places) > 1:
            raise FacesError(f"{where} has {len(places)} columns for {column}; keep one")
        if places:
            found[column] = places[0]
    if "file" not in found or not ({"age", "age_bin"} & found.keys()):
        raise FacesError(
            f"{where} has the columns {', '.join(header) or 'none'}; expected file and age or "
            "age_bin, and where known gender and race"
        )
    return found


def _row(row: list[str], columns: dict[str, int], where: str, line: int) -> LabelRow:
    where = f"{where}, line {line}"
    cells = {
        column: row[place].strip() if place < len(row) else "" for column, place in columns.items()
    }
    if not cells["file"]:
        raise FacesError(f"{where}: no picture is named; expected a path in the column file")
    name = str(PurePosixPath(cells["file"].replace("\\", "/")))
    years, span = _age(cells.get("age", ""), cells.get("age_bin", ""), f"{where} ({name})")
    gender = cells.get("gender", "").lower()
    label = Label(
        years=years,
        bin=span,
        gender=_GENDERS.get(gender, gender) or None,
        ethnicity=cells.get("ethnicity") or None,
    )
    return LabelRow(line, name, label, cells.get("box", ""))


def _age(age: str, age_bin: str, where: str) -> tuple[float | None, AgeBin | None]:
    if not age and not age_bin:
        raise FacesError(f"{where}: no age is given; expected years or a span such as 20-29")
    span = parse_age_bin(age_bin, where) if age_bin else None
    if not age:
        return None, span
    try:
        float(age)
    except ValueError:
        # FairFace's own files keep their spans in a column that is called age.
        return None, span or parse_age_bin(age, where)
    return parse_age(age, where), span
