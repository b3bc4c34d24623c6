"""IMDB-WIKI's label files: MATLAB tables of births, years of photos, and scores of faces.

Rothe, Timofte, Van Gool, "DEX: Deep EXpectation of apparent age from a single image", ICCVW 2015. A
photo is known by its year alone, and taken to be of the first of July: half a year off at most.
"""

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from faceage_calibration.labels import Label
from faceage_calibration.photo_labels import LabelledPhoto, LeftOut
from faceage_calibration.pictures import FileSource, PictureSource
from faceage_edge.errors import FacesError, missing_extra
from faceage_edge.geometry import FrameBox

__all__ = ["age_at", "read_imdb_wiki"]

_TABLES = ("imdb", "wiki")
_FIELDS = (
    "dob", "photo_taken", "full_path", "gender", "face_location", "face_score", "second_face_score",
)  # fmt: skip
# MATLAB counts days from the first of January of a year 0, Python from that of year 1.
_MATLAB_DAYS = 366
_DAYS_A_YEAR = 365.2425
# Nobody in these sets is older; who seems so is someone else, or the year is wrong.
_OLDEST = 100.0
# Below it the publication's detector was not sure of a face.
_LEAST_SCORE = 1.0
_GENDERS = {0: "female", 1: "male"}

_Files = Mapping[str, PictureSource]


def read_imdb_wiki(
    files: _Files, source: Path, labels: Path | None
) -> tuple[list[LabelledPhoto], list[LeftOut]]:
    """Read imdb.mat or wiki.mat; see `data_sets`.

    Left out, by reason: no face, an unsure one (score below 1) or a second one in the picture; no
    date of birth; an age below 0 or above 100 years.

    In the folder of uncropped photos the box says which face is meant; crops have none.

    Raises:
        FacesError: no such file, a damaged one, or one of other fields.
        MissingExtraError: SciPy is not installed.
    """
    table, where = _table(files, source, labels)
    boxes = not source.name.removesuffix(".tar").endswith("_crop")
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    for row in zip(*(table[field] for field in _FIELDS), table["person"], strict=True):
        found = _photo(row, boxes)
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            photos.append(found)
    if not photos:
        raise FacesError(
            f"{where} holds no face with a birth and a year; is it the set's own file?"
        )
    return photos, left_out


def age_at(born: float, year: float) -> float | None:
    """The age on the first of July of a year.

    >>> round(age_at(date(1980, 7, 1).toordinal() + 366, 2010), 1)
    30.0

    Args:
        born: MATLAB's serial date number.
        year: of the photo.

    Returns:
        Years; None where one of them is no date.
    """
    if not (np.isfinite(born) and np.isfinite(year) and born > _MATLAB_DAYS and 1 <= year <= 9999):
        return None
    taken = date(int(year), 7, 1).toordinal() + _MATLAB_DAYS
    return float((taken - born) / _DAYS_A_YEAR)


def _photo(row: tuple[Any, ...], boxes: bool) -> LabelledPhoto | LeftOut:
    born, year, path, gender, place, score, second, person = row
    name = str(path)
    if not np.isfinite(score):
        return LeftOut(name, "no face")
    if score < _LEAST_SCORE:
        return LeftOut(name, "unsure face")
    if np.isfinite(second):
        return LeftOut(name, "second face")
    age = age_at(float(born), float(year))
    if age is None:
        return LeftOut(name, "no date of birth")
    if age < 0:
        return LeftOut(name, "born after the photo")
    if age > _OLDEST:
        return LeftOut(name, "older than 100")
    word = _GENDERS.get(int(gender)) if np.isfinite(gender) else None
    # A birth on a day, a photo in a year: hundredths of a year are already too fine.
    label = Label(round(age, 2), gender=word)
    return LabelledPhoto(name, label, _box(place) if boxes else None, person=person)


def _box(place: Any) -> FrameBox | None:
    corners = np.asarray(place, np.float64).reshape(-1)
    if corners.size != 4 or not np.isfinite(corners).all():
        return None
    left, top, right, bottom = (float(value) for value in corners)
    # MATLAB counts pixels from 1.
    return FrameBox(left - 1, top - 1, right - left, bottom - top)


def _table(files: _Files, source: Path, labels: Path | None) -> tuple[dict[str, Any], str]:
    """The fields by name, each with an entry a picture."""
    where, opened = _opened(files, source, labels)
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise missing_extra("scipy", "data") from error
    try:
        document = loadmat(opened, squeeze_me=True)
    except (MatReadError, OSError, ValueError, TypeError, NotImplementedError, IndexError) as error:
        raise FacesError(
            f"{where} cannot be read as a MATLAB file ({error}); expected the set's own imdb.mat "
            "or wiki.mat, of version 5"
        ) from error
    own = next((document[name] for name in _TABLES if name in document), None)
    names: tuple[str, ...] = (own.dtype.names if own is not None else None) or ()
    missing = [field for field in _FIELDS if field not in names]
    if own is None or missing:
        raise FacesError(
            f"{where} lacks {', '.join(missing)}; expected a table imdb or wiki with "
            f"{', '.join(_FIELDS)}"
        )
    table: dict[str, Any] = {field: np.atleast_1d(own[field].item()) for field in _FIELDS}
    count = len(table["full_path"])
    named: Any = np.atleast_1d(own["name"].item()) if "name" in names else ()
    # Who has no name is known from no other picture.
    table["person"] = [str(one) for one in named] if len(named) == count else [""] * count
    places = own["face_location"].item()
    table["face_location"] = [places] if count == 1 else list(places)
    sizes = {field: len(values) for field, values in table.items()}
    if len(set(sizes.values())) != 1:
        raise FacesError(f"{where}: its fields have {sizes} entries, expected as many each")
    return table, where


def _opened(files: _Files, source: Path, labels: Path | None) -> tuple[str, Any]:
    if labels is not None:
        return str(labels), str(labels)
    wanted = [f"{name}.mat" for name in _TABLES]
    name = next((one for one in files if PurePosixPath(one).name in wanted), None)
    if name is None:
        raise FacesError(
            f"{source} holds no {' or '.join(wanted)}; name it with --labels FILE, or give another "
            "--format"
        )
    found = files[name]
    # Larger than any picture: read from its place.
    return name, str(found.path) if isinstance(found, FileSource) else io.BytesIO(found.read())
