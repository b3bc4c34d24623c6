"""Write a folder of results so that it appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceage_edge.errors import OutputError

__all__ = ["check_replaceable", "new_folder"]

# The file that marks a folder as one of ours, which may be replaced by a newer one.
MARK = "report.json"


def check_replaceable(out: Path) -> None:
    """Refuse, before any work starts, a folder that could not be written at its end.

    Raises:
        OutputError: it holds other things than an earlier bundle, is a file, or its parent
            cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file, expected a folder for the bundle; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise OutputError(
            f"{out} holds files that are no earlier bundle (no {MARK}), and nothing of yours is "
            "overwritten; choose an empty or new folder with --out"
        )
    parent = _nearest(out)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {parent}; choose another folder with --out")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Fill a folder beside its target and rename it into place when the block ends well.

    Args:
        out: the target; an earlier bundle there is replaced, and kept if anything fails.

    Yields:
        The folder to fill.

    Raises:
        OutputError: it cannot be written.
    """
    check_replaceable(out)
    beside: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        yield beside
        beside.chmod(0o755)
        _put_in_place(beside, out)
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}; an earlier bundle is untouched"
        ) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, out: Path) -> None:
    if not out.exists():
        beside.rename(out)
        return
    former = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.former."))
    former.rmdir()
    out.rename(former)
    try:
        beside.rename(out)
    except OSError:
        former.rename(out)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _nearest(path: Path) -> Path:
    """The deepest folder above `path` that exists."""
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    return place
