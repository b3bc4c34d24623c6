"""What a model is called: in its contract, in reports, and in the names of its files."""

import re
from pathlib import Path

from faceage_edge.errors import UsageError
from faceage_models.float_source import SHIPPED_DETECTORS

__all__ = ["check_name", "name_of"]

# 100 characters leave room for what file names add.
_LONGEST = 100
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_LONGEST - 1}}}")
# The detector's networks lie in the same folder.
_TAKEN = [
    Path(name).name.removesuffix(".float32.tflite")
    for names in SHIPPED_DETECTORS.values()
    for name in names
]


def name_of(path: Path) -> str:
    """Name a model after its file: `ages (2).float32.tflite` gives `ages-2`."""
    stem = path.resolve().stem.removesuffix(".float32")
    return re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")[:_LONGEST] or "age-model"


def check_name(name: str) -> str:
    """Hold that files can be called by a name.

    Returns:
        The name.

    Raises:
        UsageError: it has other characters, or a file of the bundle is called so already.
    """
    if name in _TAKEN:
        raise UsageError(
            f"{name!r} is the name of a detector's network in the same folder; give the age model "
            "another one with --name"
        )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be part of file names; give a name of letters, digits, dots, dashes "
            f"and underscores, at most {_LONGEST}, with --name"
        )
    return name
