"""JSON lines: one object a line, at once, and clear words when nobody can take them."""

import errno
import io
import json

import numpy as np
import pytest

from faceage_edge.errors import OutputError
from faceage_edge.result import FrameResult
from faceage_edge.sinks import JsonLines

PICTURE = np.zeros((4, 4, 3), np.uint8)
RESULT = FrameResult(0, 0.0, 1.0, ())


class Stream(io.StringIO):
    """Counts flushes, and fails at them if told to."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__()
        self.error = error
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        if self.error is not None:
            raise self.error


def test_each_result_is_one_flushed_line() -> None:
    """A reader follows live: a line is out before the next frame is looked at."""
    stream = Stream()
    with JsonLines(stream) as sink:
        sink.write(RESULT, PICTURE)
        assert stream.flushes == 1
        sink.write(FrameResult(1, 0.1, 1.0, ()), PICTURE)
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1]
    said = '"latency_ms": 1.0, "degraded": false, "restarts": 0, "faces": []}'
    assert lines[0] == '{"frame": 0, "time_s": 0.0, ' + said


def test_a_full_disk_is_our_error() -> None:
    """A line that cannot be written is an OutputError with the system's reason."""
    with pytest.raises(OutputError, match="stdout: No space left"):
        JsonLines(Stream(OSError(errno.ENOSPC, "No space left"))).write(RESULT, PICTURE)


def test_a_reader_that_went_away_is_no_error_of_ours() -> None:
    """BrokenPipeError passes, for the command to end quietly."""
    with pytest.raises(BrokenPipeError):
        JsonLines(Stream(BrokenPipeError())).write(RESULT, PICTURE)
