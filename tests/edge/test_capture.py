"""The newest frame of a live source: nothing waits, nothing queues, everything dropped counts."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from faceage_edge.capture import Freshest
from faceage_edge.errors import SourceError
from faceage_edge.frames import Frame


def frame(index: int) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), index, index / 10, time.monotonic_ns())


class FakeCamera:
    """Delivers what the test puts in, when the test says so."""

    fps = 10.0
    drops = 0
    has_cuts = False

    def __init__(self, deliver: Callable[[], Iterator[Frame]]) -> None:
        self._deliver = deliver
        self.closed = False

    def describe(self) -> str:
        return "a fake camera"

    def remarks(self) -> list[str]:
        return ["a remark"]

    def __enter__(self) -> "FakeCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[Frame]:
        return self._deliver()


def test_a_slow_reader_sees_the_newest_frame_and_the_drops_are_counted() -> None:
    """Frames that pass while the reader works are dropped; it goes on with the last of them."""
    step, delivered = threading.Semaphore(0), threading.Semaphore(0)

    def deliver() -> Iterator[Frame]:
        for index in range(7):
            step.acquire()
            yield frame(index)
            delivered.release()

    camera = FakeCamera(deliver)
    with Freshest(camera) as source:
        seen = []
        frames = iter(source)
        for count in (1, 3, 3):
            for _ in range(count):
                step.release()
            # A generator goes on only when its frame has been taken over.
            for _ in range(count):
                assert delivered.acquire(timeout=5)
            seen.append(next(frames).index)
        assert next(frames, None) is None
    assert seen == [0, 3, 6]
    assert source.drops == 4
    assert camera.closed


def test_each_frame_is_seen_once() -> None:
    """A reader faster than the camera waits; it never gets the same frame twice."""

    def deliver() -> Iterator[Frame]:
        for index in range(5):
            time.sleep(0.02)
            yield frame(index)

    with Freshest(FakeCamera(deliver)) as source:
        assert [shown.index for shown in source] == [0, 1, 2, 3, 4]
    assert source.drops == 0


def test_waiting_costs_no_cpu() -> None:
    """The reader sleeps until a frame comes."""

    def deliver() -> Iterator[Frame]:
        time.sleep(0.4)
        yield frame(0)

    with Freshest(FakeCamera(deliver)) as source:
        before = time.thread_time()
        next(iter(source))
        # A busy wait would spend nearly all of the 0.4 s.
        assert time.thread_time() - before < 0.1


@pytest.mark.parametrize(
    ("error", "note"),
    [(SourceError("gone"), "an error of ours"), (RuntimeError("bug"), "one that nobody foresaw")],
)
def test_the_cameras_error_reaches_the_reader_after_the_last_frame(
    error: Exception, note: str
) -> None:
    """What came before the error is still seen; then the error is raised where frames are read."""

    def deliver() -> Iterator[Frame]:
        yield frame(0)
        raise error

    with Freshest(FakeCamera(deliver)) as source:
        frames = iter(source)
        assert next(frames).index == 0, note
        with pytest.raises(type(error)) as caught:
            next(frames)
    assert caught.value is error, note


def test_a_silent_camera_is_an_error_after_a_while() -> None:
    """Patience ends with an error that names the camera, though its read never returns."""
    release = threading.Event()

    def deliver() -> Iterator[Frame]:
        release.wait(10)
        yield from ()

    source = Freshest(FakeCamera(deliver), patience_s=0.15)
    with source:
        with pytest.raises(SourceError, match=r"a fake camera delivered no frame for 0\.15"):
            next(iter(source))
        release.set()


def test_stop_returns_though_a_read_never_does() -> None:
    """A blocked camera is left open and behind; the process can end."""
    release = threading.Event()

    def deliver() -> Iterator[Frame]:
        release.wait(10)
        yield from ()

    camera = FakeCamera(deliver)
    source = Freshest(camera)
    source.__enter__()
    began = time.monotonic()
    source.stop(timeout_s=0.2)
    assert time.monotonic() - began < 2
    assert not camera.closed, "closing a camera under a blocked read can crash"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "capture")
    release.set()


def test_stop_returns_though_the_camera_never_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a driver's stop after a time-out: it is left behind, and no exit waits for it."""
    monkeypatch.setattr("faceage_edge.capture._CLOSING_S", 0.2)
    release = threading.Event()

    class Stuck(FakeCamera):
        def __exit__(self, *_: object) -> None:
            release.wait(10)

    source = Freshest(Stuck(lambda: iter((frame(0),))))
    began = time.monotonic()
    with source:
        assert next(iter(source)).index == 0
    assert time.monotonic() - began < 2
    (thread,) = [each for each in threading.enumerate() if each.name == "closing"]
    assert thread.daemon
    release.set()
    thread.join(10)


def test_a_camera_that_fails_to_close_is_no_secret() -> None:
    """What its driver raises then is raised."""

    class Broken(FakeCamera):
        def __exit__(self, *_: object) -> None:
            raise RuntimeError("the driver's own words")

    with pytest.raises(RuntimeError, match="own words"), Freshest(Broken(lambda: iter(()))):
        pass


def test_a_stop_request_ends_the_wait() -> None:
    """Someone who waits for a frame leaves when asked to."""
    release, asked = threading.Event(), threading.Event()

    def deliver() -> Iterator[Frame]:
        release.wait(10)
        yield from ()

    source = Freshest(FakeCamera(deliver), leave=asked.is_set)
    threading.Timer(0.1, asked.set).start()
    with source:
        assert list(source) == []
        release.set()


def test_the_rest_is_the_cameras_own() -> None:
    """Rate, description, cuts and remarks pass through."""
    source = Freshest(FakeCamera(lambda: iter(())))
    assert (source.fps, source.has_cuts, source.describe(), source.remarks()) == (
        10.0,
        False,
        "a fake camera",
        ["a remark"],
    )


@pytest.mark.parametrize(
    ("levels", "frozen", "note"),
    [((0, 200), True, "one picture for ever"), ((7, 7), False, "black: a covered lens")],
)
def test_a_picture_that_never_changes_is_a_fault(
    levels: tuple[int, int], frozen: bool, note: str
) -> None:
    """A sensor's noise makes every picture another, unless there is nothing to see."""
    picture = np.full((64, 64, 3), levels[0], np.uint8)
    picture[:, 32:] = levels[1]

    def deliver() -> Iterator[Frame]:
        for index in range(40):
            time.sleep(0.02)
            yield Frame(picture, index, index / 50, time.monotonic_ns())

    seen = []
    with Freshest(FakeCamera(deliver), patience_s=0.5) as source:
        if frozen:
            with pytest.raises(SourceError, match="the same picture for"):
                seen += list(source)
        else:
            seen += list(source)
            assert seen[-1].index == 39, note
