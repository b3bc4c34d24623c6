"""Write a folder whole or not at all, and never in place of one that is not of its kind."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceage_edge.errors import OutputError

__all__ = ["FolderKind", "check_replaceable", "list_files", "new_folder"]


@dataclass(frozen=True)
class FolderKind:
    """What a folder holds, so that an earlier one of the kind is told from a folder of the user's.

    `noun` is what it is called ("bundle"), `maker` what makes it ("conversion"); `contents` lists
    the files that a folder of the kind says are its own, none where it is not of the kind.
    """

    noun: str
    maker: str
    contents: Callable[[Path], set[str]]


def check_replaceable(out: Path, kind: FolderKind) -> None:
    """Refuse, before any work starts, a folder that could not be written at its end.

    Args:
        out: where the folder is to go; it need not exist.
        kind: what it will hold.

    Raises:
        OutputError: it is a file, a mount point or the current folder, it holds something that is
            not of the kind, or the place it is to stand in cannot be written.
    """
    try:
        place = out.resolve()
        if place.exists():
            _check_existing(place, out, kind)
        parent = next(above for above in place.parents if above.exists())
        with tempfile.TemporaryDirectory(dir=parent, prefix=".faceage-"):
            pass  # permissions alone do not tell: read-only and virtual file systems refuse too
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}; choose another place with --out"
        ) from error


@contextmanager
def new_folder(out: Path, kind: FolderKind) -> Iterator[Path]:
    """Fill a folder beside its target and rename it into place when the block ends well.

    Args:
        out: the target; an earlier folder of the kind is replaced, and kept if anything fails.
        kind: what it holds.

    Yields:
        The folder to fill.

    Raises:
        OutputError: it cannot be written.
    """
    check_replaceable(out, kind)
    place = out.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=place.parent, prefix=f".{place.name}.", ignore_cleanup_errors=True
        ) as beside:
            # A folder inside, since the outer one is private to this user.
            fresh = Path(beside, "new")
            fresh.mkdir()
            yield fresh
            _swap(fresh, place, Path(beside, "former"))
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}; an earlier {kind.noun} is untouched, "
            "make room or choose another place with --out"
        ) from error


def list_files(folder: Path) -> set[str]:
    """Every file in a folder and below, as paths relative to it with / between folders."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def _check_existing(place: Path, out: Path, kind: FolderKind) -> None:
    if not place.is_dir():
        raise OutputError(
            f"{out} is a file, expected a folder for the {kind.noun}; choose another --out"
        )
    if place.is_mount() or Path.cwd().is_relative_to(place):
        what = "a mount point" if place.is_mount() else "the folder you are in"
        raise OutputError(
            f"{out} is {what}, and a {kind.noun} replaces its folder as a whole; "
            f"give a folder in it: --out {out / kind.noun}"
        )
    foreign = _foreign(place, kind)
    if foreign:
        raise OutputError(
            f"{out} holds {', '.join(foreign[:3])}, which no earlier {kind.maker} wrote, and "
            "nothing of yours is overwritten; choose a new or empty folder with --out"
        )


def _foreign(folder: Path, kind: FolderKind) -> list[str]:
    """Names in a folder that are not of the kind; the first few where none is."""
    known = kind.contents(folder)
    if not known:
        return sorted(path.name for path in folder.iterdir())
    return sorted(list_files(folder) - known)


def _swap(fresh: Path, place: Path, former: Path) -> None:
    if place.exists():
        place.rename(former)
    try:
        fresh.rename(place)
    except BaseException:  # Ctrl-C between the two renames must not lose the earlier folder either
        if former.exists() and not place.exists():
            former.rename(place)
        raise
