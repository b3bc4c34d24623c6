"""Sets of labelled faces: a folder or a tar archive, read once, decoded on demand.

Labels come from a `labels.csv` in the set (`label_file` says which columns) or from the pictures'
names (`names` says which conventions). Pictures may be JPEG, PNG, BMP or WebP under any name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from faceage_calibration.label_file import LABEL_FILE, match_labels, read_label_file
from faceage_calibration.labels import Label
from faceage_calibration.listing import is_companion, list_files
from faceage_calibration.names import label_from_name, name_convention
from faceage_calibration.pictures import Picture, PictureSource, decode_picture, is_picture
from faceage_calibration.used_pictures import UsedPictures
from faceage_edge.errors import FacesError

__all__ = [
    "PREPARED_HEADER",
    "Alignment",
    "Convention",
    "FaceSet",
    "LabelledFace",
    "check_disjoint",
    "read_faces",
]

Alignment = Literal["utkface", "fairface", "prepared", "chip"]
Convention = Literal["utkface", "id-age-gender", "labels.csv", "unlabelled"]

# The columns of the labels.csv that `faceage-calibrate prepare` writes for what it cuts.
PREPARED_HEADER = ("file", "age", "age_bin", "gender", "race", "photo", "left", "top", "side")
# The columns and the size of the FairFace crops whose face position alignment.json knows.
_FAIRFACE_HEADER = ("file", "age_bin", "gender", "race")
_FAIRFACE_SHAPE = (144, 144, 3)


@dataclass(frozen=True)
class LabelledFace:
    """One picture of one face.

    `name` is its path in the set, `digest` the SHA-256 of its file in hex.
    """

    name: str
    digest: str
    label: Label
    source: PictureSource = field(repr=False, compare=False)

    def picture(self) -> Picture:
        """Decode the picture: uint8 (height, width, 3), BGR; FacesError when it cannot be."""
        try:
            data = self.source.read()
        except OSError as error:
            raise FacesError(f"cannot read the picture {self.name}: {error}") from error
        return decode_picture(data, self.name)


@dataclass(frozen=True)
class FaceSet:
    """A set of faces, sorted by name.

    `convention` says where the labels come from, `alignment` how a face lies in its picture.
    """

    path: Path
    convention: Convention
    alignment: Alignment
    faces: tuple[LabelledFace, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over the sorted picture digests, one a line: the same for any packing."""
        lines = "\n".join(sorted(face.digest for face in self.faces))
        return hashlib.sha256(lines.encode("ascii")).hexdigest()

    def only(self, faces: Sequence[LabelledFace]) -> "FaceSet":
        """Return a set of some of these faces, in the order given."""
        return replace(self, faces=tuple(faces))


def read_faces(path: Path | str, *, names: str | None = None, labelled: bool = True) -> FaceSet:
    """Read a set of faces.

    Every file is read once, for its digest; none is decoded.

    Args:
        path: a folder (its own pictures, or when it has none those of its sub folders) or a tar
            archive, plain or gzip-compressed.
        names: the naming convention when names are to be read and could mean two things; then
            a labels.csv is not looked at.
        labelled: whether ages are needed. Without, labels are taken where the set has them beyond
            doubt, and a set without is as good.

    Returns:
        The set.

    Raises:
        FacesError: the path is missing, unreadable, empty or damaged, holds files that are not
            pictures, or its labels are missing, ambiguous, incomplete or out of range.
        UsageError: `names` is no convention.
    """
    path = Path(path)
    files = list_files(path)
    faces = _read_pictures(files, path)
    try:
        found = _labelled(path, faces, files, names)
    except FacesError:
        if labelled or names is not None:
            raise
        found = FaceSet(path, "unlabelled", "chip", faces)
    # How the faces were cut does not depend on where their labels are read.
    return replace(found, alignment="prepared") if _is_prepared(files) else found


def check_disjoint(calibration_digests: Iterable[str], faces: FaceSet) -> None:
    """Hold that no picture of a set was used before, by digest.

    Args:
        calibration_digests: SHA-256 digests in hex of the pictures used before, or prefixes of at
            least ten digits.
        faces: the set that is to be measured on.

    Raises:
        FacesError: some were, with their count and examples; or a digest is too short to tell.
    """
    used = UsedPictures(calibration_digests)
    shared = [face.name for face in faces.faces if face.digest in used]
    if shared:
        raise FacesError(
            f"{len(shared):,} of {len(faces.faces):,} pictures in {faces.path} were also used for "
            f"calibration ({', '.join(shared[:3])}); measure on pictures the model has not seen"
        )


def _read_pictures(files: dict[str, PictureSource], path: Path) -> tuple[LabelledFace, ...]:
    faces, foreign = [], []
    for name, source in files.items():
        if is_companion(name):
            continue
        try:
            data = source.read()
        except OSError as error:
            reason = error.strerror or error
            raise FacesError(f"cannot read {name} in {path}: {reason}") from error
        if is_picture(data[:12]):
            faces.append(LabelledFace(name, hashlib.sha256(data).hexdigest(), Label(), source))
        else:
            foreign.append(name)
    if foreign:
        raise FacesError(
            f"{path}: {len(foreign):,} of {len(foreign) + len(faces):,} files are not pictures "
            f"({', '.join(foreign[:5])}); expected JPEG, PNG, BMP or WebP: take the others out"
        )
    if not faces:
        raise FacesError(f"{path} holds no pictures; expected JPEG, PNG, BMP or WebP files")
    return tuple(faces)


def _tables(files: dict[str, PictureSource]) -> list[str]:
    return [name for name in files if PurePosixPath(name).name.lower() == LABEL_FILE]


def _labelled(
    path: Path,
    faces: tuple[LabelledFace, ...],
    files: dict[str, PictureSource],
    names: str | None,
) -> FaceSet:
    tables = _tables(files)
    if tables and names is None:
        return _from_table(path, faces, files, tables)
    convention = name_convention([face.name for face in faces], str(path), names)
    labelled = tuple(replace(face, label=label_from_name(face.name, convention)) for face in faces)
    return FaceSet(path, convention, "utkface" if convention == "utkface" else "chip", labelled)


def _from_table(
    path: Path,
    faces: tuple[LabelledFace, ...],
    files: dict[str, PictureSource],
    tables: list[str],
) -> FaceSet:
    if len(tables) > 1:
        raise FacesError(f"{path} holds {len(tables)} files {LABEL_FILE} ({', '.join(tables[:3])})")
    where = f"{path}/{tables[0]}"
    try:
        table = read_label_file(files[tables[0]].read(), where)
    except OSError as error:
        raise FacesError(f"cannot read {where}: {error.strerror or error}") from error
    folder = PurePosixPath(tables[0]).parent
    labels = match_labels(table, {_below(face.name, folder): face.name for face in faces}, where)
    labelled = tuple(replace(face, label=labels[face.name]) for face in faces)
    alignment: Alignment = "fairface" if _is_fairface(table.header, faces[0]) else "chip"
    return FaceSet(path, "labels.csv", alignment, labelled)


def _below(name: str, folder: PurePosixPath) -> str:
    """A picture's path relative to the label file's folder; outside it one that no row can name."""
    path = PurePosixPath(name)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else f"../{name}"


def _is_prepared(files: dict[str, PictureSource]) -> bool:
    """Whether `faceage-calibrate prepare` cut the pictures, which its label file says."""
    try:
        first = [files[name].read().partition(b"\n")[0] for name in _tables(files)]
    except OSError:
        return False
    return first == [",".join(PREPARED_HEADER).encode("ascii")]


def _is_fairface(header: tuple[str, ...], face: LabelledFace) -> bool:
    """Whether a set is FairFace's crops: its columns, and a first picture of their size."""
    if header != _FAIRFACE_HEADER:
        return False
    try:
        return face.picture().shape == _FAIRFACE_SHAPE
    except FacesError:
        return False
