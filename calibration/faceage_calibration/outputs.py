"""Refuse, before any work, a file that could not be written at its end."""

from pathlib import Path

from faceage_edge.errors import OutputError

__all__ = ["writable"]


def writable(target: str) -> Path:
    """Refuse a target that cannot be written before minutes are spent on what would go there.

    Args:
        target: the file that the command line names.

    Raises:
        OutputError: it is a folder, or its folder does not exist.
    """
    path = Path(target)
    if path.is_dir():
        raise OutputError(f"{target} is a folder; name the file to write in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is no folder; make it, or write {path.name} elsewhere")
    return path
