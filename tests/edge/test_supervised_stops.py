"""The installed `faceage-camera` is asked to stop, whatever it does; and how it may begin."""

import fcntl
import os
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.fake_camera import FakeCamera
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


@pytest.fixture
def camera(tmp_path: Path, astronaut: Picture) -> FakeCamera:
    """A camera that shows the astronaut."""
    return FakeCamera(tmp_path / "camera", astronaut[:240, 60:380])


def starting(run: Running, _: FakeCamera) -> None:
    run.until(run.workers)


def working(run: Running, _: FakeCamera) -> None:
    run.some()


def waiting(run: Running, camera: FakeCamera) -> None:
    run.some()
    camera.turn("block")


def hanging(run: Running, _: FakeCamera) -> None:
    run.some()
    os.kill(run.workers()[0], signal.SIGSTOP)


def pausing(run: Running, camera: FakeCamera) -> None:
    run.some()
    camera.turn("gone")
    run.until(lambda: "restart 3" in run.err)


def opening(run: Running, camera: FakeCamera) -> None:
    run.some()
    camera.turn("stuck opening")
    os.kill(run.workers()[0], signal.SIGKILL)
    run.until((camera.folder / "opening").exists)


def closing(run: Running, camera: FakeCamera) -> None:
    run.some()
    camera.turn("stuck closing")
    run.until((camera.folder / "closing").exists)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("reach", "code"),
    [
        (starting, 0), (working, 0), (waiting, 0), (hanging, 1), (pausing, 0), (opening, 1),
        (closing, 0),
    ],
)  # fmt: skip
def test_a_request_to_stop_ends_every_state(
    camera: FakeCamera, number: int, reach: Callable[[Running, FakeCamera], None], code: int
) -> None:
    """Soon, with nothing left; 0, or 1 where the worker had to be killed at it."""
    with camera.run() as run:
        reach(run, camera)
        begun = time.monotonic()
        assert run.stop(number) == code, run.err
        assert time.monotonic() - begun < 6
    assert "Traceback" not in run.err


def unread(pipe: int) -> int:
    """Bytes that wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_request_to_stop_ends_a_full_pipe(camera: FakeCamera) -> None:
    """Whose reader sleeps: the worker cannot finish its line and is killed, code 1."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    env = camera.environment()
    with Running("--source", 0, "--patience", 1, env=env, stdout=writer) as run:
        os.close(writer)
        assert os.read(reader, 100)
        run.until(lambda: unread(reader) > 3000)
        time.sleep(1)
        begun = time.monotonic()
        assert run.stop() == 1, run.err
        assert time.monotonic() - begun < 6
    os.close(reader)


def test_a_closed_terminal_ends_the_run(camera: FakeCamera) -> None:
    """SIGHUP, as SIGTERM."""
    with camera.run() as run:
        run.some()
        assert run.stop(signal.SIGHUP) == 0


def state(pid: int) -> str:
    """Of a process, as the kernel has it: R, S, T for stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_pause_at_the_terminal_is_no_fault(camera: FakeCamera) -> None:
    """Ctrl-Z stops the worker too, for longer than any patience; `fg` goes on with the same one."""
    with camera.run() as run:
        run.some()
        (worker,) = run.workers()
        run.process.send_signal(signal.SIGTSTP)
        run.until(lambda: state(run.process.pid) == state(worker) == "T")
        time.sleep(4)
        run.process.send_signal(signal.SIGCONT)
        assert run.some(5)["restarts"] == 0
        assert run.workers() == [worker] and run.stop() == 0


def test_a_second_request_ends_at_once(camera: FakeCamera) -> None:
    """While the first one waits for a camera that does not close: code 130, no traceback."""
    with camera.run() as run:
        run.some()
        camera.turn("stuck closing")
        run.until((camera.folder / "closing").exists)
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert run.stop() == 130, run.err
    assert "Traceback" not in run.err


def test_a_stopped_film_is_whole(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path], tmp_path: Path
) -> None:
    """The annotated film is finished by the worker before the supervisor ends."""
    target = tmp_path / "out.mp4"
    with Running("--source", write_clip(walking_face), "--loop", "--annotate", target) as run:
        run.some(5)
        assert run.stop(signal.SIGINT) == 0
    film = cv2.VideoCapture(str(target))
    assert film.isOpened() and film.read()[0]
    film.release()


def test_a_camera_that_was_never_there_is_an_error(camera: FakeCamera) -> None:
    """Before the first frame it may be a mistake of the user's: one message, code 1, no restart."""
    camera.turn("gone")
    with camera.run() as run:
        assert run.process.wait(30) == 1
    assert run.err.count("\n") == 1 and "camera 0 cannot be opened" in run.err


STARTS = [(2.0, 1, "the limit is too short for this machine"), (30.0, 0, "it is long enough")]


@pytest.mark.parametrize(("limit", "code", "note"), STARTS)
def test_a_slow_machine_is_given_its_time(
    camera: FakeCamera, limit: float, code: int, note: str
) -> None:
    """--start-within is how long loading may take; three that were cut short end the run."""
    words = ("--start-within", limit, "--max-frames", 3)
    with camera.run(*words, FACEAGE_FAKE_START=4) as run:
        assert run.process.wait(60) == code, run.err
    assert ("(starting); killing it" in run.err) == bool(code), note
    assert len(run.results) == (0 if code else 3)


def test_a_camera_that_is_slow_to_open_is_given_its_time(camera: FakeCamera) -> None:
    """On a machine that is said to be twice as slow, longer than the usual eight seconds."""
    camera.turn("stuck opening")
    with camera.run("--start-within", 90, "--max-frames", 3) as run:
        run.until((camera.folder / "opening").exists)
        time.sleep(9.5)
        camera.turn("run")
        assert run.process.wait(30) == 0, run.err
    assert {result["restarts"] for _, result in run.results} == {0}
