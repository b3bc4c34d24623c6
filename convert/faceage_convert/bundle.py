"""Write a folder of results so that it appears whole or not at all."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceage_edge.errors import OutputError

__all__ = ["MARK", "check_replaceable", "list_files", "new_folder"]

# The file that tells a folder of ours from others: it lists under "contents" every file that the
# conversion wrote, and a folder that holds nothing else may be replaced by a newer one.
MARK = "report.json"


def check_replaceable(out: Path) -> None:
    """Refuse, before any work starts, a folder that could not be written at its end.

    Args:
        out: where the bundle is to go; it need not exist.

    Raises:
        OutputError: it is a file, a mount point or the current folder, it holds something that no
            earlier conversion wrote, or the place it is to stand in cannot be written.
    """
    try:
        place = out.resolve()
        if place.exists():
            _check_existing(place, out)
        parent = next(above for above in place.parents if above.exists())
        with tempfile.TemporaryDirectory(dir=parent, prefix=".faceage-"):
            pass  # permissions alone do not tell: read-only and virtual file systems refuse too
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}; choose another place with --out"
        ) from error


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
            f"cannot write {out}: {error.strerror or error}; an earlier bundle is untouched, "
            "make room or choose another place with --out"
        ) from error


def list_files(folder: Path) -> set[str]:
    """Every file in a folder and below, as paths relative to it with / between folders."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def _check_existing(place: Path, out: Path) -> None:
    if not place.is_dir():
        raise OutputError(
            f"{out} is a file, expected a folder for the bundle; choose another --out"
        )
    if place.is_mount() or Path.cwd().is_relative_to(place):
        what = "a mount point" if place.is_mount() else "the folder you are in"
        raise OutputError(
            f"{out} is {what}, and a bundle replaces its folder as a whole; "
            f"give a folder in it: --out {out / 'bundle'}"
        )
    foreign = _foreign(place)
    if foreign:
        raise OutputError(
            f"{out} holds {', '.join(foreign[:3])}, which no earlier conversion wrote, and nothing "
            "of yours is overwritten; choose a new or empty folder with --out"
        )


def _foreign(folder: Path) -> list[str]:
    """Names in a folder that no bundle accounts for; the first few where there is no bundle."""
    known = _contents(folder / MARK)
    if not known:
        return sorted(path.name for path in folder.iterdir())
    return sorted(list_files(folder) - known)


def _contents(mark: Path) -> set[str]:
    """The files that a bundle's report lists; none where there is no report, or not one of ours."""
    try:
        return set(json.loads(mark.read_bytes())["contents"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _swap(fresh: Path, place: Path, former: Path) -> None:
    if place.exists():
        place.rename(former)
    try:
        fresh.rename(place)
    except BaseException:  # Ctrl-C between the two renames must not lose the earlier bundle either
        if former.exists() and not place.exists():
            former.rename(place)
        raise
