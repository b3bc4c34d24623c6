"""What a choice of faces must keep away from: sets of faces, or files that name their pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_calibration.choice_file import CHOICE_SCHEMA, read_choice
from faceage_calibration.faces import read_faces
from faceage_edge.errors import FacesError

__all__ = ["Forbidden", "read_forbidden"]

# Where a tar archive has its mark: a member's name may begin with any letter.
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257


@dataclass(frozen=True)
class Forbidden:
    """Pictures not to choose, with the name of what holds them.

    `digests` are SHA-256 in hex, or prefixes of ten digits where the file holds no more.
    """

    name: str
    digests: tuple[str, ...]


def read_forbidden(path: Path) -> Forbidden:
    """Read which pictures something was, or will be, measured or fitted on.

    Args:
        path: a folder or .tar of pictures, with labels or without; a choice file; or a file of
            `faceage-calibrate ranges` or `interval`, which names its pictures under "calibration".

    Raises:
        FacesError: it cannot be read, or is a JSON file that names no pictures.
    """
    if not _is_json(path):
        faces = read_faces(path, labelled=False)
        return Forbidden(path.resolve().name, tuple(face.digest for face in faces.faces))
    return Forbidden(path.name, tuple(_named_pictures(path)))


def _is_json(path: Path) -> bool:
    """Whether it is a file that begins as a JSON object does; its name may end in anything."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False  # reading it as a set words what is wrong with it
    is_tar = head[_TAR_MARK_AT:].startswith(_TAR_MARK)
    return head.lstrip().startswith(b"{") and not is_tar


def _named_pictures(path: Path) -> Sequence[str]:
    try:
        document: Any = json.loads(path.read_bytes())
        if document.get("schema") == CHOICE_SCHEMA:
            return read_choice(path).digests
        return [str(digest) for digest in document["calibration"]["pictures"]]
    except OSError as error:
        raise FacesError(f"cannot read {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise FacesError(
            f"{path} names no pictures to keep apart from; expected a set of faces, a choice file, "
            "or a file of faceage-calibrate ranges or interval"
        ) from error
