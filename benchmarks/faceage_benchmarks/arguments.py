"""What the measurements' command lines have in common: targets to write."""

from pathlib import Path

from faceage_edge.errors import OutputError

__all__ = ["JSON_HELP", "check_writable"]

JSON_HELP = 'result file to write; "-": JSON on stdout, the table on stderr'


def check_writable(*targets: str | None) -> None:
    """Refuse a target that cannot be written before minutes are spent on what would go there.

    Args:
        targets: paths; None and "-" need no file.

    Raises:
        OutputError: its folder is missing, or it is a folder itself.
    """
    for target in targets:
        if target is None or target == "-":
            continue
        path = Path(target)
        if path.is_dir():
            raise OutputError(f"{target} is a folder; name the file to write in it")
        if not path.parent.is_dir():
            raise OutputError(
                f"{path.parent} is no folder; make it, or write {path.name} elsewhere"
            )
