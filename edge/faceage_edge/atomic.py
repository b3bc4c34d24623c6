"""Write files so that a reader sees the old content or the new one, never a half."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from faceage_edge.errors import OutputError

__all__ = ["new_file", "write_bytes", "write_text"]


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Fill a file beside its target and rename it into place when the block ends well.

    Args:
        path: the target; its folder must exist.

    Yields:
        The file to fill, open for writing bytes.

    Raises:
        OutputError: the folder is missing or cannot be written; an earlier file is untouched.
    """
    beside = None
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; a result is as readable as any other file.
        umask = os.umask(0)
        os.umask(umask)
        Path(beside).chmod(0o666 & ~umask)
        Path(beside).replace(path)
        beside = None
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; "
            "choose a folder that exists and that you may write to"
        ) from error
    finally:
        if beside is not None:
            Path(beside).unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file's whole content; errors are those of `new_file`."""
    with new_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; otherwise as `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))
