"""A text file that lines are added to, written through at once so that a reader follows live."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from faceage_edge.errors import OutputError

__all__ = ["LineFile"]


class LineFile:
    """An earlier file of that name is added to: a camera that is started again loses nothing.

    Every method raises OutputError where the file cannot be written, as on a full disk.
    """

    def __init__(self, target: Path, *, header: str = "") -> None:
        """Check that the file can be written; nothing is written yet.

        Args:
            target: the file.
            header: the first line of a new file, without its end; an earlier file that begins with
                another line is an error, for the lines that are to come would not fit it.
        """
        self._target = target
        self._header = header
        self._file: TextIO | None = None
        if target.is_dir():
            raise OutputError(f"{target} is a folder; name the file to write in it")
        if not target.parent.is_dir():
            raise OutputError(
                f"{target.parent} is no folder; make it, or write {target.name} elsewhere"
            )
        self._check_header()

    def open(self) -> None:
        """Open it; a new file begins with the header.

        A line that was torn, as by a power cut, is ended, so that it spoils no other.
        """
        try:
            self._file = self._target.open("a", encoding="utf-8", newline="")
            fresh = self._file.tell() == 0
        except OSError as error:
            raise self._refused(error) from error
        if fresh and self._header:
            self.append([self._header + "\n"])
        elif not fresh and self._torn():
            self.append(["\n"])

    def append(self, lines: Iterable[str]) -> None:
        """Add lines, each with its own end."""
        assert self._file is not None, "open it first"
        try:
            self._file.writelines(lines)
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            raise self._refused(error) from error

    def _check_header(self) -> None:
        if not self._header or not self._target.is_file():
            return
        wanted = self._header.encode()
        try:
            with self._target.open("rb") as file:
                # A line of another program may be as long as the file.
                found = file.readline(2 * len(wanted))
        except OSError:
            return  # One may write it and not read it.
        if found and found.rstrip(b"\r\n") != wanted:
            raise OutputError(
                f"{self._target} begins with {_shown(found)}, this run's lines with "
                f"{self._header}; name another file, or move that one away"
            )

    def _torn(self) -> bool:
        try:
            with self._target.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            return False  # One may write it and not read it.

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self._target}: {error.strerror or error}; "
            "choose a folder that exists and that you may write to"
        )


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return text if text.isprintable() else repr(text)
