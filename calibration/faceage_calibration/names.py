"""Ages that are written in the names of picture files.

Two conventions are known, and which one a set follows is decided for the whole set, never for one
file, since a name such as `61_1_20170109150557335.jpg` fits both:

utkface         age_gender_race_date (Zhang, Song, Qi: UTKFace, 2017; gender 0 male, 1 female; race
                0-4), where a few names of the original set lack the race
id-age-gender   id_age_gender, exactly three fields; m, f or the word, or unknown
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from faceage_calibration.labels import Label, parse_age
from faceage_edge.errors import FacesError, UsageError

__all__ = ["CONVENTIONS", "NameConvention", "label_from_name", "name_convention", "name_of_label"]

NameConvention = Literal["utkface", "id-age-gender"]
CONVENTIONS: tuple[NameConvention, ...] = ("utkface", "id-age-gender")

# The tail lets through what UTKFace appends: ".jpg.chip.jpg", " .jpg", "jpg" without its dot.
_UTKFACE = re.compile(r"(?P<age>-?\d+)_(?P<gender>[^_]*)_(?P<race>[^_]*)_\d{8,}[^_]*")
_UTKFACE_NO_RACE = re.compile(r"(?P<age>-?\d+)_(?P<gender>[^_]*)_\d{8,}[^_]*")
_ID_AGE_GENDER = re.compile(r"[^_]+_(?P<age>-?\d+)_(?P<gender>[A-Za-z0-9]+)(?:\.[A-Za-z]+)?")

_UTKFACE_GENDERS = {"0": "male", "1": "female"}
_UTKFACE_RACES = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian", "4": "Other"}
_GENDER_LETTERS = {"m": "male", "f": "female"}
_UNKNOWN = "unknown"


def name_convention(names: Sequence[str], where: str, wanted: str | None = None) -> NameConvention:
    """Decide which convention the names of a whole set follow.

    Args:
        names: the pictures' names, folders allowed in front.
        where: the set, for messages.
        wanted: one of `CONVENTIONS` when the user has said which.

    Returns:
        The convention that every name fits.

    Raises:
        FacesError: no convention fits every name, or both do and the user has not said which.
        UsageError: `wanted` is no convention.
    """
    if wanted is not None and wanted not in CONVENTIONS:
        raise UsageError(f"unknown naming {wanted!r}; expected --names {'|'.join(CONVENTIONS)}")
    tried = [one for one in CONVENTIONS if wanted in (None, one)]
    misfits = {one: [name for name in names if _match(name, one) is None] for one in tried}
    fitting = [one for one in tried if not misfits[one]]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FacesError(
            f"the names in {where} can be read in two ways (for example {_base(names[0])}: age "
            "first, or id and then age); say which with --names utkface|id-age-gender"
        )
    closest = min(tried, key=lambda one: len(misfits[one]))
    raise FacesError(_no_convention(where, names, misfits[closest], closest))


def label_from_name(name: str, convention: NameConvention) -> Label:
    """Read a label out of a file's name.

    Args:
        name: the picture's name, folders allowed in front.
        convention: how the set writes its names.

    Returns:
        The label; a gender or race the name lacks or garbles is None.

    Raises:
        FacesError: the name does not fit, or its age is out of range.
    """
    match = _match(name, convention)
    if match is None:
        raise FacesError(f"{name}: the name does not follow {_shape(convention)}")
    fields = match.groupdict()
    years = parse_age(fields["age"], name)
    gender = fields["gender"].lower()
    if convention == "id-age-gender":
        known = None if gender == _UNKNOWN else _GENDER_LETTERS.get(gender, gender)
        return Label(years=years, gender=known)
    race = _UTKFACE_RACES.get(fields.get("race", ""))
    return Label(years=years, gender=_UTKFACE_GENDERS.get(gender), ethnicity=race)


def name_of_label(number: int, label: Label, suffix: str) -> str:
    """Write what a label says of age and gender as a name of the convention id-age-gender.

    >>> name_of_label(7, Label(years=31.5, gender="female"), ".jpg")
    '000007_31_female.jpg'

    Args:
        number: the id.
        label: its age counts as people count it, in whole years lived; a span is written as
            such, which `label_from_name` does not read: it needs a labels.csv.
        suffix: what the name ends in, with its dot.
    """
    age = str(int(label.years)) if label.years is not None else str(label.bin or _UNKNOWN)
    gender = re.sub("[^A-Za-z0-9]", "", label.gender or "") or _UNKNOWN
    return f"{number:06d}_{age}_{gender}{suffix}"


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _match(name: str, convention: NameConvention) -> re.Match[str] | None:
    base = _base(name)
    if convention == "id-age-gender":
        return _ID_AGE_GENDER.fullmatch(base)
    return _UTKFACE.fullmatch(base) or _UTKFACE_NO_RACE.fullmatch(base)


def _shape(convention: NameConvention) -> str:
    return "age_gender_race_date" if convention == "utkface" else "id_age_gender"


def _no_convention(
    where: str, names: Sequence[str], misfits: Sequence[str], convention: NameConvention
) -> str:
    examples = ", ".join(_base(name) for name in misfits[:3])
    return (
        f"{where}: {len(misfits):,} of {len(names):,} names carry no age that can be read "
        f"({examples}); expected {_shape(convention)} for every picture ({convention}), "
        "or a labels.csv beside the pictures with the columns file and age or age_bin"
    )
