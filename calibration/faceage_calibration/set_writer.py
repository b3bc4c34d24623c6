"""Write a labelled set, a folder or a .tar archive, so that it appears whole or not at all."""

import csv
import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceage_calibration.faces import PREPARED_HEADER
from faceage_calibration.label_file import LABEL_FILE
from faceage_calibration.labels import Label
from faceage_calibration.outputs import writable
from faceage_calibration.whole_folder import FolderKind, check_replaceable, new_folder
from faceage_edge.atomic import new_file
from faceage_edge.errors import UsageError

__all__ = [
    "RENAMED_HEADER",
    "TERMS_FILE",
    "SetRow",
    "Write",
    "check_target",
    "label_table",
    "new_set",
]

# The columns for pictures that were renamed and not cut.
RENAMED_HEADER = PREPARED_HEADER[:6]

# Says where the faces of a published set come from and on which terms.
TERMS_FILE = "TERMS.txt"

Write = Callable[[str, bytes], None]

_TAR = ".tar"
_PACKED = (".tgz", ".gz", ".xz", ".bz2", ".zip")


@dataclass(frozen=True)
class SetRow:
    """A picture of the set: its name, its label, the photo it comes from, and where it lay there
    (left, top, side in pixels; nothing where it is the whole picture)."""

    name: str
    label: Label
    photo: str
    place: tuple[int, ...] = ()


def label_table(rows: Sequence[SetRow], header: tuple[str, ...]) -> bytes:
    """Write the labels.csv of a set: what names cannot say (ethnicity, spans) and the origin."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    for row in rows:
        label = row.label
        years = "" if label.years is None else f"{label.years:g}"
        words = (label.bin or "", label.gender or "", label.ethnicity or "")
        table.writerow((row.name, years, *words, row.photo, *row.place))
    # A file's name may hold bytes that are no text.
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def check_target(out: Path, source: Path) -> None:
    """Refuse, before any work, a place that a set cannot be written to.

    Args:
        out: where the set is to go: a .tar file, else a folder.
        source: what it is made from.

    Raises:
        UsageError: a compressed archive is asked for, or the source would be replaced.
        OutputError: it cannot be written, or is a folder that holds something else than a set.
    """
    if out.suffix.lower() in _PACKED:
        raise UsageError(
            f"{out}: sets are written as folders or plain .tar archives, since pictures do not "
            f"shrink; name it {out.name.split('.')[0]}{_TAR}"
        )
    place, origin = out.resolve(), source.resolve()
    if origin.is_relative_to(place) or place.is_relative_to(origin):
        raise UsageError(
            f"{out} and {source}, which the set is made from, lie in each other; write it "
            "elsewhere with --out"
        )
    if _is_tar(out):
        writable(str(out))
    else:
        check_replaceable(out, _SET)


@contextmanager
def new_set(out: Path) -> Iterator[Write]:
    """Write a set's files beside its target; it takes its place when the block ends well.

    The same files give the same archive.

    Args:
        out: a .tar file, else a folder; an earlier set there is replaced, and kept if anything
            fails.

    Yields:
        A function that writes one file of a name without folders.

    Raises:
        OutputError: it cannot be written.
    """
    if not _is_tar(out):
        with new_folder(out, _SET) as folder:
            yield lambda name, data: _write(folder / name, data)
        return
    with new_file(out) as file, tarfile.open(fileobj=file, mode="w") as archive:
        yield lambda name, data: _add(archive, name, data)


def _is_tar(out: Path) -> bool:
    return out.suffix.lower() == _TAR


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    # Its defaults are no one's: time 0, root, readable by all.
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _contents(folder: Path) -> set[str]:
    """The files that a set's label file lists; none where it is not one of ours."""
    try:
        lines = list(csv.reader((folder / LABEL_FILE).read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error):
        return set()
    if not lines or tuple(lines[0]) not in (PREPARED_HEADER, RENAMED_HEADER):
        return set()
    return {LABEL_FILE, TERMS_FILE, *(row[0] for row in lines[1:] if row)}


_SET = FolderKind("set", "preparation", _contents)
