"""Write a folder of results so that it appears whole or not at all."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

from faceage_calibration import whole_folder
from faceage_calibration.whole_folder import FolderKind, list_files

__all__ = ["MARK", "check_replaceable", "list_files", "new_folder"]

# The file that tells a folder of ours from others: it lists under "contents" every file that the
# conversion wrote, and a folder that holds nothing else may be replaced by a newer one.
MARK = "report.json"


def check_replaceable(out: Path) -> None:
    """Refuse a folder that no bundle can replace; see `whole_folder.check_replaceable`."""
    whole_folder.check_replaceable(out, _BUNDLE)


def new_folder(out: Path) -> AbstractContextManager[Path]:
    """Fill a bundle beside its target; see `whole_folder.new_folder`."""
    return whole_folder.new_folder(out, _BUNDLE)


def _contents(folder: Path) -> set[str]:
    """The files that a bundle's report lists; none where there is no report, or not one of ours."""
    try:
        return set(json.loads((folder / MARK).read_bytes())["contents"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


_BUNDLE = FolderKind("bundle", "conversion", _contents)
