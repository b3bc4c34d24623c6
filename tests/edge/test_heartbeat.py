"""The page that supervisor and worker share, and what a new worker takes up from it."""

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.edge.faults import running

from faceage_edge.errors import DelegateError, OutputError, SourceError, SourceLostError
from faceage_edge.frames import Frame
from faceage_edge.heartbeat import Heartbeat
from faceage_edge.heartbeat_page import Failure, Field, Page, Stage
from faceage_edge.result import FrameResult

PICTURE = np.zeros((2, 2, 3), np.uint8)


def frames(count: int, *, fps: float = 10.0) -> Iterator[Frame]:
    for index in range(count):
        yield Frame(PICTURE, index, index / fps, time.monotonic_ns())


def test_a_process_inherits_the_page() -> None:
    """What a worker stores there the supervisor reads, and the other way round."""
    page = Page.shared()
    page[Field.RESTARTS] = 7
    code = (
        "from faceage_edge.heartbeat_page import Field, Page, Stage\n"
        "page = Page.inherited()\n"
        "page[Field.BEATS] = page[Field.RESTARTS] + 1\n"
        "page.enter(Stage.WORKING)\n"
    )
    assert page.descriptor is not None
    env = running.environment() | {
        key: value for key, value in page.environment().items() if key.startswith("FACEAGE")
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, pass_fds=[page.descriptor])
    assert done.returncode == 0
    assert (page[Field.BEATS], page[Field.STAGE]) == (8, Stage.WORKING)
    assert 0 < time.monotonic_ns() - page[Field.STAGE_NS] < 60e9


def test_a_process_of_its_own_has_a_page_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a supervisor, or with nonsense in its place, nothing is shared and all works."""
    for text in ("", "nonsense"):
        monkeypatch.setenv("FACEAGE_HEARTBEAT", text)
        heart = Heartbeat(Page.inherited())
        assert [frame.index for frame in heart.frames(frames(3), live=False, fps=10)] == [0, 1, 2]
        assert heart.status() == heart.status().__class__(False, 0)


@pytest.mark.parametrize(
    ("live", "rewinds", "expected", "note"),
    [
        (False, True, [3, 4], "a film begins again: what was seen is passed over"),
        (False, False, [3, 4, 5, 6, 7], "a pipe goes on"),
        (True, True, [3, 4, 5, 6, 7], "a camera goes on"),
    ],
)
def test_frames_are_numbered_on(live: bool, rewinds: bool, expected: list[int], note: str) -> None:
    """By the worker after one that had three frames."""
    page = Page.shared()
    assert len(list(Heartbeat(page).frames(frames(3), live=live, fps=10, rewinds=rewinds))) == 3
    again = list(Heartbeat(page).frames(frames(5), live=live, fps=10, rewinds=rewinds))
    assert [frame.index for frame in again] == expected, note
    if not live:
        assert [frame.time_s for frame in again] == pytest.approx([i / 10 for i in expected]), note


def test_a_beat_is_a_result_that_was_written() -> None:
    """Not a frame that came, nor one that is worked on."""
    heart = Heartbeat(Page.shared())
    first, last = heart.around([])
    for frame in heart.frames(frames(2), live=True, fps=10):
        assert heart.page[Field.STAGE] == Stage.WORKING
        result = FrameResult(frame.index, 0, 0, ())
        first.write(result, PICTURE)
        assert heart.page[Field.STAGE] == Stage.WRITING
        assert heart.page[Field.BEATS] == frame.index
        last.write(result, PICTURE)
    assert heart.page[Field.BEATS] == 2
    assert heart.page[Field.STAGE] == Stage.ENDING


def test_a_slowed_board_gets_half_the_frames() -> None:
    """Of a camera; a film is not a matter of time."""
    heart = Heartbeat(Page.shared())
    heart.page[Field.SLOWED] = 1
    assert len(list(heart.frames(frames(10), live=True, fps=10))) == 5
    other = Heartbeat(Page.shared())
    other.page[Field.SLOWED] = 1
    assert len(list(other.frames(frames(10), live=False, fps=10))) == 10


def test_a_camera_that_delivered_is_lost_not_missing() -> None:
    """The same error before the first result is the user's to read."""

    def unplugged() -> Iterator[Frame]:
        yield from frames(1)
        raise SourceError("gone")

    heart = Heartbeat(Page.shared())
    with pytest.raises(SourceError) as caught:
        list(heart.frames(unplugged(), live=True, fps=10))
    assert not isinstance(caught.value, SourceLostError)
    heart.page[Field.BEATS] = 1
    with pytest.raises(SourceLostError):
        list(heart.frames(unplugged(), live=True, fps=10))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (SourceError("gone"), Failure.SOURCE),
        (DelegateError("refuses"), Failure.ACCELERATOR),
        (DelegateError("no such library", curable=False), Failure.COMMAND),
        (OutputError("disk full"), Failure.OTHER),
        (OSError("disk full"), Failure.OTHER),
        (RuntimeError("a bug"), Failure.NONE),
    ],
)
def test_the_kind_of_error_is_noted(error: Exception, failure: Failure) -> None:
    """For the supervisor, to which all of them are exit code 1."""
    heart = Heartbeat(Page.shared())

    def body() -> int:
        raise error

    with pytest.raises(type(error)):
        heart.reporting(body)
    assert heart.page[Field.FAILURE] == failure


def test_at_most_so_many_frames_over_all_workers() -> None:
    """--max-frames counts what the dead ones did."""
    heart = Heartbeat(Page.shared())
    heart.page[Field.BEATS] = 3
    assert len(list(heart.at_most(frames(10), 5))) == 2
    assert len(list(heart.at_most(frames(10), None))) == 10
