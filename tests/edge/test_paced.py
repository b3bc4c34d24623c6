"""A film played as a camera delivers: rate, repetition, lateness."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceage_edge.capture import Freshest
from faceage_edge.errors import UsageError
from faceage_edge.frames import CameraRequest, Frame
from faceage_edge.paced import PacedFilm
from faceage_edge.sources import open_source


class Film:
    """Three frames; each takes `slow_s` to decode."""

    fps = 25.0
    drops = 0
    has_cuts = True

    def __init__(self, slow_s: float = 0.0) -> None:
        self._slow_s = slow_s

    def describe(self) -> str:
        return "a film"

    def remarks(self) -> list[str]:
        return []

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        for index in range(3):
            time.sleep(self._slow_s)
            yield Frame(np.full((2, 2, 3), index, np.uint8), index, index / 25, 0)


def test_frames_come_when_they_are_due() -> None:
    """Frames are numbered on, over the film's end, and none comes before its time."""
    paced = PacedFilm(Film, 100)
    started = time.monotonic_ns()
    with paced:
        frames = list(islice(paced, 7))
    assert [frame.index for frame in frames] == list(range(7))
    assert [int(frame.picture[0, 0, 0]) for frame in frames] == [0, 1, 2, 0, 1, 2, 0]
    assert [frame.time_s for frame in frames] == pytest.approx([n / 100 for n in range(7)])
    for frame in frames:
        assert frame.captured_ns - started >= frame.time_s * 1e9
    assert "played at 100 fps" in paced.describe()


def test_a_film_too_slow_to_decode_is_remarked() -> None:
    """Late frames are counted and do not come in a burst later."""
    paced = PacedFilm(lambda: Film(slow_s=0.01), 500)
    with paced:
        list(islice(paced, 4))
    (remark,) = paced.remarks()
    assert "lower --rate" in remark


def test_a_rate_is_for_films(tmp_path: Path) -> None:
    """Cameras, pipes and pictures have no rate; a film gives its freshest frame."""
    picture = tmp_path / "p.png"
    assert cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    for name in ("0", "-", str(picture)):
        with pytest.raises(UsageError, match="plays a film"):
            open_source(name, CameraRequest(), rate=30)
    film = tmp_path / "f.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 12, (32, 24))
    writer.write(np.zeros((24, 32, 3), np.uint8))
    writer.release()
    source = open_source(str(film), CameraRequest(), rate=50)
    assert isinstance(source, Freshest)
    with source:
        assert next(iter(source)).picture.shape == (24, 32, 3)
