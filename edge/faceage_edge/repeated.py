"""A source in files, over and over: `--loop`."""

from collections.abc import Callable, Iterator

from faceage_edge.frames import Frame, Source

__all__ = ["Repeated"]


class Repeated:
    """A film or pictures that begin again at their end, numbered on and timed on.

    Each round opens the files anew, so that a film that was replaced meanwhile is the new one.
    """

    drops = 0
    has_cuts = True

    def __init__(self, source: Source, reopen: Callable[[], Source]) -> None:
        """Repeat a source.

        Args:
            source: of the first round, not yet started.
            reopen: opens it for another round.
        """
        self._source = source
        self._reopen = reopen

    @property
    def fps(self) -> float:
        """The source's own rate."""
        return self._source.fps

    def describe(self) -> str:
        """As the source has it, and that it is repeated."""
        return f"{self._source.describe()}, over and over"

    def remarks(self) -> list[str]:
        """As the source of the round has it."""
        return self._source.remarks()

    def __enter__(self) -> "Repeated":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        index, begun_s = 0, 0.0
        while True:
            ended_s = begun_s
            with self._source as frames:
                for frame in frames:
                    time_s = begun_s + frame.time_s
                    yield Frame(frame.picture, index, time_s, frame.captured_ns)
                    index += 1
                    ended_s = time_s + 1 / self._source.fps
            begun_s = ended_s
            self._source = self._reopen()
