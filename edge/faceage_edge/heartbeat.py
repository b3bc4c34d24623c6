"""What a worker tells its supervisor, and what it takes up from the worker before it.

Without a supervisor the page is the process's own, and the same code runs.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from faceage_edge.errors import (
    DelegateError,
    FaceageError,
    SourceError,
    SourceLostError,
)
from faceage_edge.frames import Frame, Picture
from faceage_edge.heartbeat_page import Failure, Field, Page, Stage
from faceage_edge.result import FrameResult, Status
from faceage_edge.sinks import Sink

__all__ = ["Heartbeat"]


class _Writing:
    """A sink before all others: from here on the time is the readers'."""

    def __init__(self, heartbeat: "Heartbeat") -> None:
        self._heartbeat = heartbeat

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        self._heartbeat.page.enter(Stage.WRITING)

    def __enter__(self) -> "_Writing":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


class Heartbeat:
    """A worker's side. It is a sink too: every result that was written is a beat."""

    def __init__(self, page: Page) -> None:
        """Wrap a page: `Page.inherited()` of a worker."""
        self.page = page

    def status(self) -> Status:
        """How the program fares, for a result."""
        return Status(bool(self.page[Field.DEGRADED]), self.page[Field.RESTARTS])

    def frames(
        self, frames: Iterable[Frame], *, live: bool, fps: float, rewinds: bool = True
    ) -> Iterator[Frame]:
        """Pass frames on, numbered on from where the worker before this one was.

        Args:
            frames: of a source that was opened anew.
            live: they come when they come: a camera's. Its times too go on from the first
                worker's first frame. A film's frames that were seen are passed over.
            fps: frames a second, as the source states them.
            rewinds: opened anew, the source begins with the frame it began with before.

        Raises:
            SourceLostError: a live source that delivered before failed.
        """
        self.page[Field.LIVE] = int(live)
        first = self.page[Field.NEXT_FRAME]
        # A camera and a pipe go on; a film begins again.
        base = 0 if rewinds and not live else first
        try:
            yield from self._paced(frames, base, live=live, fps=fps)
        finally:
            self.page.enter(Stage.ENDING)

    def _paced(
        self, frames: Iterable[Frame], base: int, *, live: bool, fps: float
    ) -> Iterator[Frame]:
        first, let_go = self.page[Field.NEXT_FRAME], False
        self.page.enter(Stage.WAITING)
        for frame in self._not_lost(frames, live):
            index = base + frame.index
            if index < first or let_go:
                let_go = False
                continue
            begun = time.monotonic()
            yield self._placed(frame, index, None if live else base / fps)
            self.page.enter(Stage.WAITING)
            if live and self.page[Field.SLOWED]:
                # The board is too hot or short of current. Half the work, whether the camera or
                # the models set the pace: a rest as long, and then a frame not looked at.
                time.sleep(time.monotonic() - begun)
                let_go = True

    def at_most(self, frames: Iterable[Frame], count: int | None) -> Iterator[Frame]:
        """Pass on what is left of so many frames; workers before this one count too."""
        return islice(frames, None if count is None else max(count - self.page[Field.BEATS], 0))

    def _placed(self, frame: Frame, index: int, shift_s: float | None) -> Frame:
        self.page.enter(Stage.WORKING)
        self.page[Field.NEXT_FRAME] = index + 1
        if shift_s is not None:
            return Frame(frame.picture, index, frame.time_s + shift_s, frame.captured_ns)
        if not self.page[Field.FIRST_NS]:
            self.page[Field.FIRST_NS] = frame.captured_ns
        time_s = (frame.captured_ns - self.page[Field.FIRST_NS]) / 1e9
        return Frame(frame.picture, index, time_s, frame.captured_ns)

    def _not_lost(self, frames: Iterable[Frame], live: bool) -> Iterator[Frame]:
        try:
            yield from frames
        except SourceError as error:
            if live and self.page[Field.BEATS]:
                raise SourceLostError(str(error)) from error
            raise

    def took(self, count: int) -> None:
        """Note that so many bytes more were taken out of a stream that cannot be rewound.

        None is a sign of life: who waits for a stream is awake, however long that takes.
        """
        self.page[Field.BYTES_READ] += count
        if not count:
            self.page.enter(Stage.WAITING)

    def reporting(self, body: Callable[[], int]) -> int:
        """Run a worker's body and note, for the supervisor, which kind of error ended it."""
        self.page[Field.FAILURE] = Failure.NONE
        try:
            return body()
        except (FaceageError, OSError) as error:
            self.page[Field.FAILURE] = _failure(error)
            raise

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Beat: this frame's result is out."""
        self.page[Field.LAST_TRACK] = max(
            [self.page[Field.LAST_TRACK], *(face.track for face in result.faces)]
        )
        self.page[Field.BEAT_NS] = time.monotonic_ns()
        self.page[Field.BEATS] += 1

    def around(self, sinks: Iterable[Sink]) -> list[Sink]:
        """Sinks between two of our own, which note that results are being written, and were."""
        return [_Writing(self), *sinks, self]

    def __enter__(self) -> "Heartbeat":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


def _failure(error: Exception) -> Failure:
    if isinstance(error, DelegateError):
        return Failure.ACCELERATOR if error.curable else Failure.COMMAND
    if isinstance(error, SourceError):
        return Failure.SOURCE
    return Failure.OTHER
