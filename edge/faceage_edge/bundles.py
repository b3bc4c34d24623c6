"""Find model files: the user's, those in the installed package, those in a checkout."""

from pathlib import Path

from faceage_edge.errors import ModelFileError

__all__ = ["DEFAULT_AGE", "find", "find_age", "shipped_names"]

# The shipped age model that is used where none is named.
DEFAULT_AGE = "age-mobilenet-coral"


def find(name: str) -> Path:
    """Find a model file or folder by path or by shipped name.

    Args:
        name: an existing path, or a shipped name: of a folder such as `mtcnn`, or of a file in it.

    Returns:
        The path: the given one if it exists, else the package's data, else the checkout's
        `models/` folder beside `edge/`.

    Raises:
        ModelFileError: nothing of that name; the message lists the shipped names.
    """
    given = Path(name)
    if _exists(given):
        return given
    if not given.is_absolute() and ".." not in given.parts:
        for home in _homes():
            if _exists(home / given):
                return home / given
    raise ModelFileError(
        f"no model {name!r}: it is no path that exists, and not one of the shipped models "
        f"({', '.join(shipped_names()) or 'none found'})"
    )


def find_age(name: str, scheme: str = "int8") -> Path:
    """Find an age model's file by path or by shipped name.

    Args:
        name: as for `find`; the name of a folder means the file in it that is named alike.
        scheme: which of a folder's files, `int8` or `float32`.

    Returns:
        The path; a folder without such a file is returned as it is.

    Raises:
        ModelFileError: as for `find`.
    """
    found = find(name)
    file = found / f"{found.name}.{scheme}.tflite"
    return file if _exists(file) else found


def shipped_names() -> list[str]:
    """The names of the shipped models, in order: those of their folders."""
    homes = [home for home in _homes() if home.is_dir()]
    return sorted({file.parent.name for home in homes for file in home.glob("*/*.tflite")})


def _homes() -> list[Path]:
    package = Path(__file__).resolve().parent
    # In a checkout this file is edge/faceage_edge/bundles.py and the models lie beside edge/.
    return [package / "bundles", package.parents[1] / "models"]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False
