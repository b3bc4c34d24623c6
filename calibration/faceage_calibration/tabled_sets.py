"""Sets with tables of labels: Adience, APPA-REAL, FairFace."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from faceage_calibration.labels import Label, parse_age, parse_age_bin
from faceage_calibration.photo_labels import LabelledPhoto, LeftOut
from faceage_calibration.pictures import PictureSource
from faceage_edge.errors import FacesError

__all__ = ["read_adience", "read_appa_real", "read_fairface"]

_GENDERS = {"m": "male", "f": "female", "male": "male", "female": "female"}
# Not the fold_frontal_ files, which hold some of the same faces.
_FOLDS = re.compile(r"fold_\d_data\.txt")
_ADIENCE_NEEDS = ("user_id", "original_image", "face_id", "age", "gender")
# As the set's two archives name the faces; the second are turned upright.
_ADIENCE_NAMES = (
    "{user}/coarse_tilt_aligned_face.{face}.{image}",
    "{user}/landmark_aligned_face.{face}.{image}",
)
_APPA = re.compile(r"gt_avg_(train|valid|test)\.csv")
_APPA_NEEDS = ("file_name", "real_age")
_FAIRFACE = re.compile(r"fairface_label_(train|val)\.csv")
_FAIRFACE_NEEDS = ("file", "age")

_Files = Mapping[str, PictureSource]
_Found = tuple[list[LabelledPhoto], list[LeftOut]]
_Row = dict[str, str]


def read_adience(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read Adience's fold files; `labels` may be one of them. See `data_sets`.

    A user is taken for a person: the set's own folds keep users apart, and knows no more.
    """
    places = _by_end(files)
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    for row, where in _rows(files, source, labels, _FOLDS, _ADIENCE_NEEDS, "\t"):
        ends = [
            form.format(user=row["user_id"], face=row["face_id"], image=row["original_image"])
            for form in _ADIENCE_NAMES
        ]
        name = next((places[end] for end in ends if end in places), ends[0])
        _add(photos, left_out, row, where, name, _group_or_year, person=row["user_id"])
    return photos, left_out


def read_appa_real(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read APPA-REAL's tables; the real age, not what people guessed. See `data_sets`."""
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    places = _by_end(files)
    for row, where in _rows(files, source, labels, _APPA, _APPA_NEEDS, ","):
        match = _APPA.search(where)
        end = f"{match[1]}/{row['file_name']}" if match else row["file_name"]
        name = places.get(end, end)
        _add(photos, left_out, {**row, "age": row["real_age"]}, where, name, _year)
    return photos, left_out


def read_fairface(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read FairFace's tables of age groups; see `data_sets`."""
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    places = _by_end(files)
    for row, where in _rows(files, source, labels, _FAIRFACE, _FAIRFACE_NEEDS, ","):
        name = places.get(row["file"], row["file"])
        _add(photos, left_out, row, where, name, _group)
    return photos, left_out


def _add(
    photos: list[LabelledPhoto],
    left_out: list[LeftOut],
    row: _Row,
    where: str,
    name: str,
    read: Callable[[str, str], Label],
    person: str = "",
) -> None:
    """Add a row to the photos, or to what is left out where its age is none."""
    if row["age"].strip().lower() in ("", "none", "nan"):
        left_out.append(LeftOut(name, "no age", where))
        return
    try:
        aged = read(row["age"], where)
    except FacesError as error:
        left_out.append(LeftOut(name, "impossible age", str(error)))
        return
    gender = _GENDERS.get(row.get("gender", "").strip().lower())
    race = row.get("race", "").strip() or None
    label = Label(aged.years, aged.bin, gender, race)
    photos.append(LabelledPhoto(name, label, person=person))


def _year(text: str, where: str) -> Label:
    return Label(parse_age(text, where))


def _group(text: str, where: str) -> Label:
    return Label(bin=parse_age_bin(text, where))


def _group_or_year(text: str, where: str) -> Label:
    """Adience writes groups as (25, 32), and where it knows better a single year."""
    return _year(text, where) if text.strip().isdigit() else _group(text, where)


def _by_end(files: _Files) -> dict[str, str]:
    """Names by the last two and by the last one of their parts; one that is there twice by two."""
    places: dict[str, str] = {}
    for name in files:
        parts = PurePosixPath(name).parts
        places["/".join(parts[-2:])] = name
        places.setdefault(name, name)
    return places


def _rows(
    files: _Files,
    source: Path,
    labels: Path | None,
    form: re.Pattern[str],
    needed: tuple[str, ...],
    between: str,
) -> Iterator[tuple[_Row, str]]:
    """The rows of every table of a set, with the file and line of each."""
    tables = [name for name in files if form.fullmatch(PurePosixPath(name).name)]
    if labels is None and not tables:
        raise FacesError(
            f"{source} holds no table of its labels named like {form.pattern}; name it with "
            "--labels, or give another --format"
        )
    texts = (
        {str(labels): _text(labels)}
        if labels is not None
        else {name: _decoded(files[name].read(), name) for name in tables}
    )
    for where, text in texts.items():
        table = csv.DictReader(text.splitlines(), delimiter=between)
        header = [(name or "").strip() for name in table.fieldnames or ()]
        missing = [name for name in needed if name not in header]
        if missing:
            raise FacesError(
                f"{where}: the columns are {', '.join(header[:8]) or 'none'}, expected "
                f"{', '.join(needed)} with {'tabs' if between != ',' else 'commas'} between them"
            )
        for row in table:
            clean = {
                (k or "").strip(): v.strip() if isinstance(v, str) else "" for k, v in row.items()
            }
            yield clean, f"{where}, line {table.line_num}"


def _text(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise FacesError(
            f"cannot read {path}: {error.strerror or error}; check --labels"
        ) from error


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FacesError(f"{where} is no text in UTF-8; expected the set's own table") from error
