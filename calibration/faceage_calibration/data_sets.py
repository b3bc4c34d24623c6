"""The published data sets that `faceage-calibrate prepare --format` reads, and their terms.

No picture and no label of any of them is here: whoever has a set got it from its owners, on their
terms. Terms are as the owners publish them, in short; what a set's page says counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceage_calibration.hdf5_set import read_hdf5
from faceage_calibration.imdb_wiki import read_imdb_wiki
from faceage_calibration.listing import list_files
from faceage_calibration.named_sets import read_agedb, read_fgnet, read_morph, read_utkface
from faceage_calibration.person_split import part_of
from faceage_calibration.photo_labels import LabelledPhoto, LeftOut
from faceage_calibration.pictures import PictureSource
from faceage_calibration.tabled_sets import read_adience, read_appa_real, read_fairface
from faceage_edge.errors import UsageError

__all__ = ["DATA_SETS", "DataSet", "Reading", "read_data_set", "terms_text"]

Files = Mapping[str, PictureSource]
Found = tuple[list[LabelledPhoto], list[LeftOut]]


@dataclass(frozen=True)
class DataSet:
    """A published set: what it is called, what of it is read, and on which terms it is given.

    `people`: whether it says who is in a picture, so that it can be split by people. `read` takes
    the files, where they are, and the label file that was named, if one was; None for a set that
    is one HDF5 file.
    """

    title: str
    labels: str
    ages: str
    people: bool
    terms: str
    read: Callable[[Files, Path, Path | None], Found] | None


@dataclass(frozen=True)
class Reading:
    """What a set's own labels say: pictures by name, labelled photos, and what was left out."""

    files: Files
    photos: tuple[LabelledPhoto, ...]
    left_out: tuple[LeftOut, ...]


_IMDB_WIKI = "academic research only; the pictures belong to their owners"
DATA_SETS: dict[str, DataSet] = {
    "adience": DataSet(
        "Adience (Eidinger, Enbar, Hassner, 2014)",
        "fold_0_data.txt to fold_4_data.txt",
        "groups",
        True,
        "research only, after registration; the photos are under Creative Commons licences of "
        "their authors",
        read_adience,
    ),
    "agedb": DataSet(
        "AgeDB (Moschoglou et al., 2017)",
        "names: 0_MariaCallas_35_f.jpg",
        "years",
        True,
        "non-commercial research only, on request",
        read_agedb,
    ),
    "appa-real": DataSet(
        "APPA-REAL (Agustsson et al., 2017)",
        "gt_avg_train.csv, gt_avg_valid.csv, gt_avg_test.csv: the real age",
        "years",
        False,
        "research only",
        read_appa_real,
    ),
    "fairface": DataSet(
        "FairFace (Karkkainen, Joo, 2021)",
        "fairface_label_train.csv, fairface_label_val.csv",
        "groups",
        False,
        "CC BY 4.0",
        read_fairface,
    ),
    "fgnet": DataSet(
        "FG-NET Aging Database (2004)",
        "names: 001A02.JPG",
        "years",
        True,
        "research only; its owners no longer give it away",
        read_fgnet,
    ),
    "hdf5": DataSet(
        "an HDF5 file of pictures and ages",
        "the file itself",
        "years",
        False,
        "whatever its maker says: state it yourself",
        None,
    ),
    "imdb": DataSet(
        "IMDB of IMDB-WIKI (Rothe, Timofte, Van Gool, 2015)",
        "imdb.mat",
        "years",
        True,
        _IMDB_WIKI,
        read_imdb_wiki,
    ),
    "morph": DataSet(
        "MORPH Album 2 (Ricanek, Tesafaye, 2006)",
        "names: 009055_1M54.JPG",
        "years",
        True,
        "licensed by the University of North Carolina Wilmington, to academic and to commercial "
        "users apart; not to be passed on",
        read_morph,
    ),
    "utkface": DataSet(
        "UTKFace (Zhang, Song, Qi, 2017)",
        "names: 36_1_0_20170109142408075.jpg",
        "years",
        False,
        "non-commercial research only; the pictures belong to their owners",
        read_utkface,
    ),
    "wiki": DataSet(
        "WIKI of IMDB-WIKI (Rothe, Timofte, Van Gool, 2015)",
        "wiki.mat",
        "years",
        True,
        _IMDB_WIKI,
        read_imdb_wiki,
    ),
}


def read_data_set(name: str, source: Path, labels: Path | None, part: str | None) -> Reading:
    """Read the labels of a published set; pictures are read when they are asked for.

    Args:
        name: of `DATA_SETS`.
        source: the folder or .tar of its pictures; the HDF5 file.
        labels: its label file, where that is not among the pictures.
        part: the people of one part only, see `person_split`.

    Raises:
        FacesError: it cannot be read, or is another set.
        UsageError: a part of a set that does not say who is in a picture.
        MissingExtraError: SciPy or h5py is needed and not installed.
    """
    known = DATA_SETS[name]
    if part is not None and not known.people:
        raise UsageError(
            f"--part with --format {name}: that set does not say who is in a picture, so people "
            "cannot be kept apart; faceage-benchmark --part splits by pictures"
        )
    files: Files
    if known.read is None:
        files, photos, left_out = read_hdf5(source)
    else:
        files = list_files(source)
        photos, left_out = known.read(files, source, labels)
    there = [photo for photo in photos if photo.name in files]
    gone = [
        LeftOut(photo.name, "no photo", "the labels name it")
        for photo in photos
        if photo.name not in files
    ]
    if part is not None:
        there = [photo for photo in there if part_of(photo.person) == part]
    ordered = sorted(there, key=lambda photo: photo.name)
    return Reading(files, tuple(ordered), (*left_out, *gone))


def terms_text(name: str) -> str:
    """What the prepared set says of where it comes from and on which terms."""
    known = DATA_SETS[name]
    return (
        f"Faces of: {known.title}\nTerms: {known.terms}\n\nPrepared with faceage-calibrate prepare "
        f"--format {name}. The terms of the pictures hold for these too,\nand for what is trained "
        "on them as their owners say. Read them on the set's own page.\n"
    )
