"""Where results go. A sink is a context manager with one method, `write`."""

import json
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from faceage_edge.errors import OutputError
from faceage_edge.frames import Picture
from faceage_edge.result import FrameResult

__all__ = ["JsonLines", "Sink"]


class Sink(Protocol):
    """What the loop needs of a sink."""

    def write(self, result: FrameResult, picture: Picture) -> None:
        """Take one frame's result; `picture` is the frame, uint8 (height, width, 3), BGR."""

    def __enter__(self) -> "Sink": ...

    def __exit__(self, kind: object, *_: object) -> None: ...


class JsonLines:
    """One JSON object a line, flushed line by line so that a reader follows live.

    `document` makes a result's JSON values.
    """

    def __init__(
        self,
        stream: TextIO,
        document: Callable[[FrameResult], dict[str, Any]] = FrameResult.to_json,
    ) -> None:
        self._stream = stream
        self._document = document

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Write a result.

        Raises:
            BrokenPipeError: nobody reads any more.
            OutputError: the line cannot be written, as on a full disk.
        """
        line = json.dumps(self._document(result), allow_nan=False, separators=(", ", ": "))
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(
                f"cannot write results to stdout: {error.strerror or error}"
            ) from error

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None
