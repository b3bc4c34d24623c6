"""Sets whose labels are in their pictures' names: AgeDB, FG-NET, MORPH, UTKFace."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from faceage_calibration.labels import Label, parse_age
from faceage_calibration.listing import is_companion
from faceage_calibration.photo_labels import LabelledPhoto, LeftOut, labels_by_name
from faceage_calibration.pictures import PictureSource
from faceage_edge.errors import FacesError, UsageError

__all__ = ["read_agedb", "read_fgnet", "read_morph", "read_utkface"]

_GENDERS = {"m": "male", "f": "female"}
# Number, name, age, gender. Names may hold underscores.
_AGEDB = re.compile(r"\d+_(?P<person>.+)_(?P<age>\d{1,3})_(?P<gender>[mfMF])")
# Person, age, and a letter where several pictures are of one age.
_FGNET = re.compile(r"(?P<person>\d{3})[aA](?P<age>\d{1,3})[a-zA-Z]?")
_UTKFACE = "36_1_0_20170109142408075.jpg (UTKFace)"
# Person, picture, gender, age.
_MORPH = re.compile(r"(?P<person>\d+)_\d+(?P<gender>[mfMF])(?P<age>\d{1,3})")

_Files = Mapping[str, PictureSource]
_Found = tuple[list[LabelledPhoto], list[LeftOut]]


def read_agedb(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read AgeDB's names; see `data_sets`."""
    return _read(files, source, labels, _AGEDB, "0_MariaCallas_35_f.jpg (AgeDB)")


def read_fgnet(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read FG-NET's names; see `data_sets`."""
    return _read(files, source, labels, _FGNET, "001A02.JPG (FG-NET)")


def read_morph(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read MORPH's names; see `data_sets`."""
    return _read(files, source, labels, _MORPH, "009055_1M54.JPG (MORPH)")


def read_utkface(files: _Files, source: Path, labels: Path | None) -> _Found:
    """Read UTKFace's names; see `data_sets`."""
    _refuse_table(labels, _UTKFACE)
    names = [name for name in files if not is_companion(name)]
    photos, bare = labels_by_name(names, "utkface")
    left_out = [LeftOut(name, "no label", "its name carries no age") for name in bare]
    if not photos:
        raise _another_set(source, _UTKFACE, left_out)
    return list(photos), left_out


def _read(
    files: _Files, source: Path, labels: Path | None, form: re.Pattern[str], example: str
) -> _Found:
    _refuse_table(labels, example)
    photos: list[LabelledPhoto] = []
    left_out: list[LeftOut] = []
    for name in files:
        if is_companion(name):
            continue
        match = form.fullmatch(PurePosixPath(name).stem)
        if match is None:
            left_out.append(LeftOut(name, "no label", "its name is another"))
            continue
        fields = match.groupdict()
        try:
            years = parse_age(fields["age"], name)
        except FacesError as error:
            left_out.append(LeftOut(name, "impossible age", str(error)))
            continue
        gender = _GENDERS.get((fields.get("gender") or "").lower())
        photos.append(LabelledPhoto(name, Label(years, gender=gender), person=fields["person"]))
    if not photos:
        raise _another_set(source, example, left_out)
    return photos, left_out


def _refuse_table(labels: Path | None, example: str) -> None:
    if labels is not None:
        raise UsageError(f"--labels {labels}: this set's labels are in its names, as {example}")


def _another_set(source: Path, example: str, left_out: list[LeftOut]) -> FacesError:
    some = ", ".join(PurePosixPath(one.photo).name for one in left_out[:3]) or "none"
    return FacesError(
        f"no picture in {source} is named as {example}; found {some}: give the set's own folder, "
        "or another --format"
    )
