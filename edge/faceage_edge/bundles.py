"""Find model files: the user's, those in the installed package, those in a checkout."""

from pathlib import Path

from faceage_edge.errors import ModelFileError

__all__ = ["find"]


def find(name: str) -> Path:
    """Find a model file or folder by path or by shipped name.

    Args:
        name: an existing path, or a shipped name such as `mtcnn` or
            `age-mobilenet-coral/age-mobilenet-coral.int8.tflite`.

    Returns:
        The path: the given one if it exists, else the package's data, else the checkout's
        `models/` folder beside `edge/`.

    Raises:
        ModelFileError: nothing of that name; the message lists the shipped names.
    """
    given = Path(name)
    if _exists(given):
        return given
    package = Path(__file__).resolve().parent
    # In a checkout this file is edge/faceage_edge/bundles.py and the models lie beside edge/.
    homes = [package / "bundles", package.parents[1] / "models"]
    if not given.is_absolute() and ".." not in given.parts:
        for home in homes:
            if _exists(home / given):
                return home / given
    raise ModelFileError(
        f"no model {name!r}: it is no path that exists, and not one of the shipped models "
        f"({', '.join(_shipped(homes)) or 'none found'})"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False


def _shipped(homes: list[Path]) -> list[str]:
    return sorted(
        {file.parent.name for home in homes if home.is_dir() for file in home.glob("*/*.tflite")}
    )
