"""The installed `faceage-camera` on films and pipes whose worker dies or waits."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


def test_raw_frames_go_on_whole_after_a_death(tmp_path: Path, astronaut: Picture) -> None:
    """The bytes of a frame that a dead worker had begun are passed over: the next one is whole."""
    frame = astronaut[:240, 60:380].tobytes()
    reader, writer = os.pipe()
    with (
        Running(
            "--source", "-", "--width", 320, "--height", 240, "--patience", 1, stdin=reader
        ) as run,
        os.fdopen(writer, "wb", buffering=0) as pipe,
    ):
        os.close(reader)
        for _ in range(5):
            pipe.write(frame)
        pipe.write(frame[:1000])
        run.until(lambda: len(run.results) == 5)
        time.sleep(0.1)
        os.kill(run.workers()[0], signal.SIGKILL)
        pipe.write(frame[1000:])
        for _ in range(5):
            pipe.write(frame)
        run.until(lambda: len(run.results) >= 9)
        pipe.close()
        assert run.process.wait(20) == 0
    frames = [result["frame"] for _, result in run.results]
    assert frames == sorted(set(frames))
    boxes = np.array([result["faces"][0]["box"] for _, result in run.results])
    assert np.ptp(boxes[:, 0]) < 8, "a frame out of step shows the face elsewhere"


def test_a_paused_producer_is_waited_for(astronaut: Picture) -> None:
    """A pipe without bytes is nobody's fault, however long; a signal still ends the wait."""
    reader, writer = os.pipe()
    with Running(
        "--source", "-", "--width", 320, "--height", 240, "--patience", 0.3, stdin=reader
    ) as run:
        os.close(reader)
        os.write(writer, astronaut[:240, 60:380].tobytes())
        run.until(lambda: len(run.results) == 1)
        time.sleep(3)
        os.write(writer, astronaut[:240, 60:380].tobytes())
        run.until(lambda: len(run.results) == 2)
        assert run.results[-1][1]["restarts"] == 0
        assert run.stop() == 0
        os.close(writer)


def test_a_worker_that_hangs_before_a_pipe_is_begun_anew(astronaut: Picture) -> None:
    """Waiting for bytes it gives signs of life; stopped dead it does not."""
    frame = astronaut[:240, 60:380].tobytes()
    reader, writer = os.pipe()
    size = ("--width", 320, "--height", 240)
    with (
        Running("--source", "-", *size, "--patience", 0.5, stdin=reader) as run,
        os.fdopen(writer, "wb", buffering=0) as pipe,
    ):
        os.close(reader)
        pipe.write(frame)
        run.until(lambda: len(run.results) == 1)
        os.kill(run.workers()[0], signal.SIGSTOP)
        run.until(lambda: "restart 1" in run.err)
        pipe.write(frame)
        run.until(lambda: len(run.results) == 2)
        assert run.results[-1][1]["restarts"] == 1
        assert run.stop() == 0


def test_a_film_goes_on_where_a_worker_died(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]
) -> None:
    """No frame comes twice, and the end is the film's."""
    clip = write_clip(walking_face * 10)
    with Running("--source", clip) as run:
        run.some(5)
        os.kill(run.workers()[0], signal.SIGKILL)
        assert run.process.wait(60) == 0, run.err
    frames = [result["frame"] for _, result in run.results]
    assert frames == sorted(set(frames))
    assert frames[-1] == 79 and len(frames) >= 78


def test_a_film_can_be_repeated(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]
) -> None:
    """--loop numbers and times the rounds on, until it is stopped."""
    with Running("--source", write_clip(walking_face), "--loop") as run:
        run.until(lambda: len(run.results) > 20)
        assert run.stop() == 0
    results = [result for _, result in run.results]
    assert [result["frame"] for result in results[:20]] == list(range(20))
    assert [result["time_s"] for result in results[:20]] == pytest.approx(np.arange(20) / 10)
