"""Which faces of which photos are labelled: by a table, or by the photos' names.

The table is a label file (`label_file`), where a photo may have several rows if each says in the
column `box` where its face is: x, y, width and height in pixels of the upright photo.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from faceage_calibration.label_file import LABEL_FILE, LabelRow, read_label_rows
from faceage_calibration.labels import Label
from faceage_calibration.names import NameConvention, label_from_name
from faceage_calibration.pictures import PictureSource
from faceage_edge.errors import FacesError
from faceage_edge.geometry import FrameBox

__all__ = ["LabelledPhoto", "LeftOut", "labels_by_name", "labels_by_table", "own_table"]


@dataclass(frozen=True)
class LabelledPhoto:
    """One label of a photo, the box of the face it means, in pixels, and who that is, where
    said."""

    name: str
    label: Label
    box: FrameBox | None = None
    person: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A photo that gave no face: `why` is one of few reasons, which are counted."""

    photo: str
    why: str
    detail: str = ""


def own_table(files: Mapping[str, PictureSource]) -> str | None:
    """Return the name of the label file that lies at the top of a folder of photos, if one does."""
    return next((name for name in files if name.lower() == LABEL_FILE), None)


def labels_by_table(data: bytes, where: str) -> tuple[LabelledPhoto, ...]:
    """Read a table of labelled photos.

    Args:
        data: the whole file.
        where: its name, for messages.

    Returns:
        A label for each row, in the order of the photos' names and boxes, so that the order of
        rows does not matter.

    Raises:
        FacesError: it is no label file, a box is not four numbers, or two rows mean one face.
    """
    rows, _ = read_label_rows(data, where)
    found = [LabelledPhoto(row.name, row.label, _box(row, where)) for row in rows]
    places: dict[tuple[str, FrameBox | None], int] = {}
    for photo, row in zip(found, rows, strict=True):
        first = places.setdefault((photo.name, photo.box), row.line)
        if first != row.line:
            raise FacesError(
                f"{where}, line {row.line}: {row.name} stands in line {first} too; keep one row, "
                "or say in a column box where each face is"
            )
    return tuple(sorted(found, key=_place))


def labels_by_name(
    names: Iterable[str], convention: NameConvention
) -> tuple[tuple[LabelledPhoto, ...], tuple[str, ...]]:
    """Read the labels in photos' names.

    Args:
        names: of the photos.
        convention: how the names are written.

    Returns:
        The labelled photos, and the names that carry no label.
    """
    found, bare = [], []
    for name in names:
        try:
            found.append(LabelledPhoto(name, label_from_name(name, convention)))
        except FacesError:
            bare.append(name)
    return tuple(found), tuple(bare)


def _place(photo: LabelledPhoto) -> tuple[str, Sequence[float]]:
    box = photo.box
    return photo.name, () if box is None else (box.x, box.y, box.width, box.height)


def _box(row: LabelRow, where: str) -> FrameBox | None:
    if not row.box:
        return None
    try:
        x, y, width, height = map(float, row.box.replace(",", " ").replace(";", " ").split())
    except ValueError:
        x = y = width = height = math.nan
    if not math.isfinite(x + y + width + height) or width < 1 or height < 1:
        raise FacesError(
            f"{where}, line {row.line} ({PurePosixPath(row.name).name}): the box {row.box!r} is "
            "not four numbers; expected x y width height in pixels, with blanks between them"
        )
    return FrameBox(x, y, width, height)
