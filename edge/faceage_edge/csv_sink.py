"""Results as a table: `faceage-camera --csv FILE`, a line a face."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from faceage_edge.errors import OutputError
from faceage_edge.frames import Picture
from faceage_edge.result import FrameResult

__all__ = ["COLUMNS", "CsvTable"]

COLUMNS = (
    "frame",
    "time_s",
    "track",
    "x",
    "y",
    "width",
    "height",
    "score",
    "age",
    "age_low",
    "age_high",
    "over",
    "answer",
)


class CsvTable:
    """A line for each face of each frame, written through at once so that a reader follows live.

    An earlier file of that name is added to: a camera that is started again loses nothing.
    `over` and `answer` are empty without `--threshold`.
    """

    def __init__(self, target: Path, document: Callable[[FrameResult], dict[str, Any]]) -> None:
        """Check that the file can be written; nothing is written yet.

        Raises:
            OutputError: it cannot.
        """
        self._target = target
        self._document = document
        self._file: TextIO | None = None
        if target.is_dir():
            raise OutputError(f"{target} is a folder; name the file to write in it")
        if not target.parent.is_dir():
            raise OutputError(
                f"{target.parent} is no folder; make it, or write {target.name} elsewhere"
            )

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Write a frame's faces.

        Raises:
            OutputError: the lines cannot be written, as on a full disk.
        """
        assert self._file is not None
        document = self._document(result)
        try:
            writer = csv.writer(self._file, lineterminator="\n")
            writer.writerows(_row(document, face) for face in document["faces"])
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> "CsvTable":
        try:
            # Closed by __exit__; the sink outlives this block.
            self._file = self._target.open("a", encoding="utf-8", newline="")
            if self._file.tell() == 0:
                self._file.write(",".join(COLUMNS) + "\n")
                self._file.flush()
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            if kind is None:
                raise self._refused(error) from error

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self._target}: {error.strerror or error}; "
            "choose a folder that exists and that you may write to"
        )


def _row(document: dict[str, Any], face: dict[str, Any]) -> list[Any]:
    cells = {**face, "frame": document["frame"], "time_s": document["time_s"]}
    cells.update(zip(("x", "y", "width", "height"), face["box"], strict=True))
    return [cells.get(name) for name in COLUMNS]
