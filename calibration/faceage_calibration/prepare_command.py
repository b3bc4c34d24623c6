"""What `faceage-calibrate prepare` does: whole photos, or names of UTKFace, to a labelled set."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faceage_calibration.data_sets import read_data_set, terms_text
from faceage_calibration.face_cut import (
    FrameSquare,
    cut_out,
    encode,
    faces_in,
    same_face,
    square_around,
)
from faceage_calibration.faces import PREPARED_HEADER, FaceSet, LabelledFace, read_faces
from faceage_calibration.label_file import LABEL_FILE, match_labels, read_label_file
from faceage_calibration.landmarks import FaceDetector
from faceage_calibration.listing import is_companion, list_files
from faceage_calibration.names import name_of_label
from faceage_calibration.photo_labels import (
    LabelledPhoto,
    LeftOut,
    labels_by_name,
    labels_by_table,
    own_table,
)
from faceage_calibration.pictures import Picture, PictureSource, decode_picture, suffix_of
from faceage_calibration.progress import Progress
from faceage_calibration.set_writer import (
    RENAMED_HEADER,
    TERMS_FILE,
    SetRow,
    Write,
    check_target,
    label_table,
    new_set,
)
from faceage_edge.detector import named_detector
from faceage_edge.errors import FacesError, UsageError

__all__ = ["prepare"]

# Of one reason; a published set leaves out hundreds of thousands.
_MOST_SHOWN = 50


@dataclass(frozen=True)
class Cut:
    """A face cut out of a photo: a JPEG file, and where it lay there."""

    data: bytes
    square: FrameSquare


def prepare(options: argparse.Namespace) -> int:
    """Write a labelled set of faces; see cli.py for the options."""
    source, out = Path(options.photos), Path(options.out)
    _check_usage(options)
    check_target(out, source)
    return _rename(options, out) if options.rename_only else _cut(options, source, out)


def _check_usage(options: argparse.Namespace) -> None:
    if options.format is not None and options.names is not None:
        raise UsageError("--names with --format: a published set says itself how it is named")
    if options.format is None and options.part is not None:
        raise UsageError("--part without --format: only a published set says who is in a picture")


def _read(
    options: argparse.Namespace, source: Path
) -> tuple[Mapping[str, PictureSource], Sequence[LabelledPhoto], list[LeftOut]]:
    """The pictures, their labels, and what is left out before any picture is looked at."""
    if options.format is None:
        files = list_files(source)
        return files, *_labelled(options, files)
    labels = None if options.labels is None else Path(options.labels)
    found = read_data_set(options.format, source, labels, options.part)
    return found.files, found.photos, list(found.left_out)


def _cut(options: argparse.Namespace, source: Path, out: Path) -> int:
    files, photos, left_out = _read(options, source)
    detector = named_detector(options.detector, threads=options.threads)
    rows: list[SetRow] = []
    with new_set(out) as write:
        for photo, cut in _cuts(photos, files, detector):
            if isinstance(cut, LeftOut):
                left_out.append(cut)
                continue
            name = name_of_label(len(rows) + 1, photo.label, ".jpg")
            write(name, cut.data)
            rows.append(SetRow(name, photo.label, photo.name, _place(cut.square)))
        if not rows:
            _report(left_out)
            raise FacesError(
                f"no face could be cut out of {source} ({_counted(left_out)}), and nothing was "
                "written; give photos with one face each and a label in the name or in --labels"
            )
        write(LABEL_FILE, label_table(rows, PREPARED_HEADER))
        if options.format is not None:
            write(TERMS_FILE, terms_text(options.format).encode("utf-8"))
    _report(left_out)
    total = sum(not is_companion(name) for name in files)
    end = f"; {len(left_out):,} left out ({_counted(left_out)})" if left_out else ""
    print(f"{out}: {len(rows):,} faces from {total:,} photos{end}")
    return 0


def _labelled(
    options: argparse.Namespace, files: Mapping[str, PictureSource]
) -> tuple[Sequence[LabelledPhoto], list[LeftOut]]:
    """The labels of photos that are there, and what is left out for want of one or the other."""
    names = [name for name in files if not is_companion(name)]
    table = own_table(files) if options.labels is None and options.names is None else None
    if options.labels is None and table is None:
        by_name, ageless = labels_by_name(names, options.names or "utkface")
        return by_name, [LeftOut(name, "no label", "its name carries no age") for name in ageless]
    data, where = _table(options, files, table)
    found = labels_by_table(data, where)
    there, named = set(names), {photo.name for photo in found}
    bare = [name for name in names if name not in named]
    return [photo for photo in found if photo.name in there], [
        *(LeftOut(name, "no label", f"{where} has no row for it") for name in bare),
        *(LeftOut(name, "no photo", f"{where} names it") for name in sorted(named - there)),
    ]


def _table(
    options: argparse.Namespace, files: Mapping[str, PictureSource], own: str | None
) -> tuple[bytes, str]:
    where = options.labels or f"{options.photos}/{own}"
    try:
        data = files[own].read() if own is not None else Path(options.labels).read_bytes()
    except OSError as error:
        raise FacesError(
            f"cannot read {where}: {error.strerror or error}; expected a table with the columns "
            "file and age, and where known gender, ethnicity and box"
        ) from error
    return data, where


def _cuts(
    photos: Sequence[LabelledPhoto], files: Mapping[str, PictureSource], detector: FaceDetector
) -> Iterator[tuple[LabelledPhoto, Cut | LeftOut]]:
    progress = Progress("faces", len(photos))
    taken: dict[str, list[FrameSquare]] = {}
    for number, photo in enumerate(photos):
        cut = _cut_one(photo, files[photo.name], detector)
        if isinstance(cut, Cut):
            squares = taken.setdefault(photo.name, [])
            if same_face(cut.square, squares):
                # With two labels, and at most one is right.
                cut = LeftOut(photo.name, "same face", "the box of another row means it too")
            else:
                squares.append(cut.square)
        yield photo, cut
        progress(number + 1)


def _cut_one(photo: LabelledPhoto, source: PictureSource, detector: FaceDetector) -> Cut | LeftOut:
    try:
        picture: Picture = decode_picture(source.read(), photo.name)
    except (OSError, FacesError) as error:
        return LeftOut(photo.name, "no picture", str(error))
    faces = faces_in(picture, detector, photo.box)
    if not faces:
        return LeftOut(photo.name, "no face", "" if photo.box is None else "in its box")
    if len(faces) > 1:
        return LeftOut(photo.name, "several faces", f"{len(faces)}, and no box says which")
    square = square_around(faces[0].landmarks)
    return Cut(encode(cut_out(picture, square)), square)


def _place(square: FrameSquare) -> tuple[int, int, int]:
    return square.left, square.top, square.side


def _report(left_out: Sequence[LeftOut]) -> None:
    shown: Counter[str] = Counter()
    for one in left_out:
        shown[one.why] += 1
        if shown[one.why] > _MOST_SHOWN:
            continue
        detail = f" ({one.detail})" if one.detail else ""
        print(f"left out: {one.photo}: {one.why}{detail}", file=sys.stderr)
    for why, count in sorted(shown.items()):
        if count > _MOST_SHOWN:
            print(f"left out: {count - _MOST_SHOWN:,} more: {why}", file=sys.stderr)


def _counted(left_out: Sequence[LeftOut]) -> str:
    counts = Counter(one.why for one in left_out)
    return ", ".join(f"{count:,} {why}" for why, count in sorted(counts.items())) or "no photos"


def _rename(options: argparse.Namespace, out: Path) -> int:
    """Copy the pictures of a set under names of the convention id-age-gender, byte for byte."""
    if options.format is not None:
        return _rename_published(options, out)
    faces = _faces_to_rename(options)
    progress = Progress("pictures", len(faces.faces))
    rows = []
    with new_set(out) as write:
        for number, face in enumerate(faces.faces, start=1):
            rows.append(_copy(face, number, write))
            progress(number)
        write(LABEL_FILE, label_table(rows, RENAMED_HEADER))
    print(f"{out}: {len(rows):,} pictures renamed")
    return 0


def _rename_published(options: argparse.Namespace, out: Path) -> int:
    """The same of a published set: what cannot be read is left out and counted."""
    files, photos, left_out = _read(options, Path(options.photos))
    progress = Progress("pictures", len(photos))
    rows: list[SetRow] = []
    with new_set(out) as write:
        for number, photo in enumerate(photos, start=1):
            try:
                data = files[photo.name].read()
            except OSError as error:
                left_out.append(LeftOut(photo.name, "no picture", str(error)))
                continue
            name = name_of_label(len(rows) + 1, photo.label, suffix_of(data))
            write(name, data)
            rows.append(SetRow(name, photo.label, photo.name))
            progress(number)
        if not rows:
            _report(left_out)
            raise FacesError(
                f"{options.photos} gave no labelled picture ({_counted(left_out)}), and nothing "
                "was written"
            )
        write(LABEL_FILE, label_table(rows, RENAMED_HEADER))
        write(TERMS_FILE, terms_text(options.format).encode("utf-8"))
    _report(left_out)
    end = f"; {len(left_out):,} left out ({_counted(left_out)})" if left_out else ""
    print(f"{out}: {len(rows):,} pictures renamed{end}")
    return 0


def _faces_to_rename(options: argparse.Namespace) -> FaceSet:
    by_table = options.labels is not None
    faces = read_faces(options.photos, names=options.names, labelled=not by_table)
    if faces.alignment not in ("utkface", "chip"):
        raise FacesError(
            f"{options.photos} is a set whose labels.csv says how its faces lie in the pictures "
            f"({faces.alignment}), which new names would lose; use it as it is"
        )
    if not by_table:
        return faces
    table = read_label_file(_table(options, {}, None)[0], options.labels)
    labels = match_labels(table, {face.name: face.name for face in faces.faces}, options.labels)
    return faces.only([replace(face, label=labels[face.name]) for face in faces.faces])


def _copy(face: LabelledFace, number: int, write: Write) -> SetRow:
    try:
        data = face.source.read()
    except OSError as error:
        raise FacesError(f"cannot read the picture {face.name}: {error}") from error
    name = name_of_label(number, face.label, suffix_of(data))
    write(name, data)
    return SetRow(name, face.label, face.name)
