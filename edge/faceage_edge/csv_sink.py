"""Results as a table: `faceage-camera --csv FILE`, a line a face."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceage_edge.errors import OutputError
from faceage_edge.frames import Picture
from faceage_edge.line_file import LineFile
from faceage_edge.result import FrameResult

__all__ = ["COLUMNS", "GENDER_COLUMNS", "CsvTable"]

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
# Behind them where gender is asked for.
GENDER_COLUMNS = ("gender", "gender_share")


class CsvTable:
    """A line for each face of each frame, written through at once so that a reader follows live.

    An earlier file of that name is added to if it has the same columns. `over` and `answer` are
    empty without `--threshold`.
    """

    def __init__(
        self,
        target: Path,
        document: Callable[[FrameResult], dict[str, Any]],
        *,
        genders: bool = False,
    ) -> None:
        """Check that the file can be written; nothing is written yet.

        Args:
            target: the file.
            document: makes a result's JSON values.
            genders: whether those say gender.

        Raises:
            OutputError: it cannot, or has other columns.
        """
        self._columns = (*COLUMNS, *GENDER_COLUMNS) if genders else COLUMNS
        self._file = LineFile(target, header=",".join(self._columns))
        self._document = document

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Write a frame's faces.

        Raises:
            OutputError: the lines cannot be written, as on a full disk.
        """
        document = self._document(result)
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerows(self._row(document, face) for face in document["faces"])
        self._file.append([lines.getvalue()])

    def __enter__(self) -> "CsvTable":
        self._file.open()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._file.close()
        except OutputError:
            if kind is None:
                raise

    def _row(self, document: dict[str, Any], face: dict[str, Any]) -> list[Any]:
        cells = {**face, "frame": document["frame"], "time_s": document["time_s"]}
        cells.update(zip(("x", "y", "width", "height"), face["box"], strict=True))
        return [cells.get(name) for name in self._columns]
