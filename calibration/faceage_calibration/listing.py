"""The files of a set, whether they lie in a folder or in a tar archive.

A folder's own pictures count; when it has none, those of its sub folders do. An archive counts
whole. Files beside the pictures are passed over when they are hidden or plainly something else
(labels, texts, tables, licences); any other file that is not a picture is an error, since a set
that silently shrinks is another set.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from faceage_calibration.pictures import (
    LARGEST_FILE,
    PICTURE_SUFFIXES,
    FileSource,
    MemorySource,
    PictureSource,
    SliceSource,
    is_picture,
)
from faceage_edge.errors import FacesError

__all__ = ["is_companion", "list_files"]

# Compressed members are held in memory, since a compressed archive cannot be read from the middle.
_MOST_COMPRESSED = 1 << 30
_BLOCK = 512

_COMPANION_SUFFIXES = (
    ".csv", ".tsv", ".json", ".jsonl", ".txt", ".md", ".rst", ".xml", ".yaml", ".yml", ".toml",
    ".html", ".pdf", ".log", ".mat", ".npy", ".npz", ".bib", ".ini", ".db",
)  # fmt: skip
_COMPANION_NAMES = ("readme", "license", "licence", "copying", "notice", "authors")


def is_companion(name: str) -> bool:
    """Whether a file is expected beside pictures and can be passed over, by its name."""
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return True
    return path.suffix.lower() in _COMPANION_SUFFIXES or path.name.lower() in _COMPANION_NAMES


def list_files(path: Path) -> dict[str, PictureSource]:
    """List the files of a set without decoding any.

    Args:
        path: a folder, or a tar archive, plain or gzip-compressed.

    Returns:
        Every file's bytes by its name, / between folders, sorted by name. Links inside an archive
        and anything that is no regular file are left out; nothing is unpacked to disk.

    Raises:
        FacesError: the path is missing, cannot be read, is empty, is neither folder nor archive,
            or the archive is damaged.
    """
    try:
        if path.is_dir():
            files = _folder_files(path)
        elif path.exists():
            files = _archive_files(path)
        else:
            raise FacesError(f"there is no {path}; expected a folder of pictures or a .tar of them")
    except OSError as error:
        raise FacesError(
            f"cannot read {error.filename or path}: {error.strerror or error}; "
            "check that it exists and that you may read it"
        ) from error
    if not files:
        raise FacesError(f"{path} is empty; expected pictures (JPEG, PNG, BMP or WebP)")
    return dict(sorted(files.items()))


def _folder_files(folder: Path) -> dict[str, PictureSource]:
    own = [file for file in folder.iterdir() if file.is_file()]
    if not any(_seems_picture(file) for file in own):
        own = list(_walk(folder))
    return {file.relative_to(folder).as_posix(): FileSource(file) for file in own}


def _seems_picture(file: Path) -> bool:
    if file.name.startswith("."):
        return False
    if file.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if is_companion(file.name):
        return False
    with file.open("rb") as opened:
        return is_picture(opened.read(12))


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    for where, _, names in os.walk(folder, onerror=fail):
        yield from (file for name in names if (file := Path(where, name)).is_file())


def _archive_files(path: Path) -> dict[str, PictureSource]:
    """Index an archive's members; a later member of the same name replaces an earlier one."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with tarfile.open(path, "r:gz" if packed else "r:") as archive:
            files = dict(_members(archive, path, packed=packed))
            _check_end(archive, path)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise FacesError(
            f"{path} is no tar archive, or a damaged one ({error}); expected a folder of pictures "
            "or a .tar of them, plain or gzip-compressed: copy or pack it again"
        ) from error
    return files


def _members(
    archive: tarfile.TarFile, path: Path, *, packed: bool
) -> Iterable[tuple[str, PictureSource]]:
    held = 0
    for member in archive:
        if member.size < 0:
            # Python before 3.11.14 goes round for ever on such a header (CVE-2025-8194).
            raise tarfile.ReadError("a member of negative size")
        name = member.name.removeprefix("./")
        if not member.isreg() or member.sparse is not None:
            continue
        if member.size > LARGEST_FILE:
            if is_companion(name):
                continue
            raise FacesError(
                f"{path}: the member {name} has {member.size:,} bytes, more than the "
                f"{LARGEST_FILE:,} a picture may have; take it out"
            )
        if not packed:
            yield name, SliceSource(path, member.offset_data, member.size)
            continue
        held += member.size
        if held > _MOST_COMPRESSED:
            raise FacesError(
                f"{path} holds more than {_MOST_COMPRESSED:,} bytes compressed; "
                "unpack it, or pack it as a plain .tar, which is read in place"
            )
        opened = archive.extractfile(member)
        yield name, MemorySource(opened.read() if opened else b"")


def _check_end(archive: tarfile.TarFile, path: Path) -> None:
    """Hold that the archive ends with its end mark.

    tarfile takes an archive that was cut at a member's end, or whose next header is garbage, for a
    complete one; a set that silently lost its tail must not be measured.
    """
    file = archive.fileobj
    assert file is not None
    file.seek(archive.offset)
    if file.read(_BLOCK) != bytes(_BLOCK):
        raise FacesError(
            f"{path} is cut short or damaged: its end mark is missing after "
            f"{len(archive.getmembers()):,} members; copy or pack it again"
        )
