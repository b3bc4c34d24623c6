"""A film played as a camera delivers: at a fixed rate, over and over.

For measuring the loop without a camera: behind it stands `capture.Freshest`, as behind a camera.
"""

import time
from collections.abc import Callable, Iterator

from faceage_edge.frames import Frame, Source

__all__ = ["PacedFilm"]


class PacedFilm:
    """The frames of a film, each when it is due; from the start again when it ends.

    Args:
        open_film: opens the film; called once for every time it is played.
        rate: frames a second.
    """

    drops = 0
    has_cuts = True

    def __init__(self, open_film: Callable[[], Source], rate: float) -> None:
        self._open_film = open_film
        # Opened now, so that a film that is none is refused before models are loaded.
        self._film = open_film()
        self.fps = rate
        self._late = self._frames = 0

    def describe(self) -> str:
        """The film, and the rate it is played at."""
        return f"{self._film.describe()}, played at {self.fps:g} fps as by a camera, over and over"

    def remarks(self) -> list[str]:
        """Whether this machine decoded the film too slowly for the rate."""
        if not self._late:
            return []
        return [
            f"{self._late} of {self._frames} frames came late: decoding the film is too slow for "
            f"{self.fps:g} fps here; lower --rate or give a smaller film"
        ]

    def __enter__(self) -> "PacedFilm":
        return self

    def __exit__(self, *_: object) -> None:
        self._film.__exit__()

    def __iter__(self) -> Iterator[Frame]:
        due = time.monotonic()
        while True:
            for frame in self._film:
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                elif wait < -1 / self.fps:
                    # A camera does not catch up in a burst: what is late shifts what follows.
                    self._late += 1
                    due -= wait
                index = self._frames
                self._frames += 1
                yield Frame(frame.picture, index, index / self.fps, time.monotonic_ns())
                due += 1 / self.fps
            self._film.__exit__()
            self._film = self._open_film()
