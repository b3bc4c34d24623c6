"""The installed `faceage-camera` under faults: processes are killed, a camera misbehaves."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults import running
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]
FAULTS = Path(running.__file__).parent

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


class FakeCamera:
    """A camera whose behaviour a file decides; see faults/sitecustomize.py."""

    def __init__(self, folder: Path, picture: Picture) -> None:
        self.folder = folder
        np.save(folder / "frame.npy", picture)
        self.turn("run")

    def turn(self, mode: str) -> None:
        (self.folder / "mode.new").write_text(mode)
        (self.folder / "mode.new").replace(self.folder / "mode")

    def run(self, *arguments: object, **more: object) -> Running:
        env = running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=self.folder, **more)
        return Running("--source", 0, "--patience", 1, *arguments, env=env)


@pytest.fixture
def camera(tmp_path: Path, astronaut: Picture) -> FakeCamera:
    """A camera that shows the astronaut, 25 frames a second, with a sensor's noise."""
    folder = tmp_path / "camera"
    folder.mkdir()
    return FakeCamera(folder, astronaut[:240, 60:380].copy())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_worker_that_dies_is_begun_anew(camera: FakeCamera, number: int) -> None:
    """Results go on within three seconds, numbered and timed on, and say so; none is left."""
    with camera.run() as run:
        before = run.some()
        (worker,) = run.workers()
        os.kill(worker, number)
        run.until(lambda: run.results[-1][1]["restarts"] == 1)
        after = run.some()
        assert run.gap() < 3
        assert after["frame"] > before["frame"] and after["time_s"] > before["time_s"]
        assert after["degraded"] is False and before["restarts"] == 0
        assert before["faces"][0]["track"] < after["faces"][0]["track"], (
            "numbers are not used twice"
        )
        assert not Path(f"/proc/{worker}").exists(), "a zombie"
        assert run.stop() == 0
    assert f"killed by {signal.Signals(number).name}" in run.err


def told(target: Path) -> list[tuple[str, int, str | None]]:
    """What an events file says: who came and left, and why."""
    events = [json.loads(line) for line in target.read_text().splitlines()]
    return [(event["event"], event["track"], event.get("reason")) for event in events]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_nobody_stays_inside_when_a_worker_dies(
    camera: FakeCamera, tmp_path: Path, number: int
) -> None:
    """They leave at once, though the camera is gone, and enter again when it is back."""
    target = tmp_path / "events.jsonl"
    with camera.run("--events", target) as run:
        run.some(10)
        # The worker may die between a frame's result and its events.
        before = [result for _, result in run.results][:-1]
        os.kill(run.workers()[0], number)
        camera.turn("gone")
        run.until(lambda: len(told(target)) == 2)
        assert told(target) == [("enter", 1, None), ("leave", 1, "crashed")]
        leave = json.loads(target.read_text().splitlines()[-1])
        assert leave["frames"] >= len(before) and leave["left_s"] >= before[-1]["time_s"]
        camera.turn("run")
        run.until(lambda: len(told(target)) == 3)
        assert run.stop() == 0
    (_, track, _), last = told(target)[2:]
    assert track > 1 and last == ("leave", track, "ended")


def test_nobody_stays_inside_when_everything_dies(camera: FakeCamera, tmp_path: Path) -> None:
    """The next run says of an earlier one's visitors that they left, and then who is there."""
    target = tmp_path / "events.jsonl"
    with camera.run("--events", target) as run:
        run.some()
        run.process.kill()
        run.process.wait()
    with camera.run("--events", target) as run:
        run.some()
        assert run.stop() == 0
    assert told(target) == [
        ("enter", 1, None), ("leave", 1, "lost"), ("enter", 1, None), ("leave", 1, "ended"),
    ]  # fmt: skip


def test_deaths_in_a_row_are_waited_out(camera: FakeCamera) -> None:
    """Three deaths, each right after the first result: still there, and every restart counts."""
    with camera.run() as run:
        for restart in range(3):
            run.until(lambda at=restart: run.results and run.results[-1][1]["restarts"] == at)  # type: ignore[misc]
            os.kill(run.workers()[0], signal.SIGKILL)
        run.until(lambda: run.results[-1][1]["restarts"] == 3)
        assert run.stop() == 0


def test_a_worker_that_hangs_is_killed_and_begun_anew(camera: FakeCamera) -> None:
    """Stopped dead in its work, it is found out by its silence."""
    with camera.run() as run:
        run.some()
        os.kill(run.workers()[0], signal.SIGSTOP)
        run.until(lambda: run.results[-1][1]["restarts"] == 1)
        run.some()
        assert run.gap() < 10
        assert run.stop() == 0
    assert "silent" in run.err


def test_a_reader_that_pauses_is_waited_for(camera: FakeCamera) -> None:
    """A full pipe is the reader's doing (`| less`): no restart, and results go on with it."""
    env = running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=camera.folder)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with Running("--source", 0, "--patience", 0.5, env=env, stdout=writer) as run:
        os.close(writer)
        assert os.read(reader, 100)
        time.sleep(6)
        (worker,) = run.workers()
        with os.fdopen(reader, "rb") as pipe:
            for _ in range(40):
                assert pipe.readline()
            assert run.workers() == [worker], run.err


@pytest.mark.parametrize(
    ("mode", "said", "note"),
    [
        ("block", "delivered no frame for 1 seconds", "its read never returns"),
        ("repeat", "delivered the same picture for 1 seconds", "OpenCV's last frame for ever"),
        ("none", "stopped delivering", "reads return nothing"),
        ("gone", "cannot be opened", "unplugged"),
    ],
)
def test_a_camera_that_fails_and_comes_back(
    camera: FakeCamera, mode: str, said: str, note: str
) -> None:
    """Each failure is recognised and said, and results go on when the camera does."""
    with camera.run() as run:
        run.some()
        camera.turn(mode)
        run.until(lambda: said in run.err)
        camera.turn("run")
        back = time.monotonic()
        run.until(lambda: run.results[-1][1]["restarts"] >= 1)
        assert time.monotonic() - back < 10, note
        assert run.some()["faces"], note
        assert run.stop() == 0, note


def test_a_camera_that_changes_its_size_goes_on(camera: FakeCamera) -> None:
    """Frames half as large are frames too: a new scene, no restart."""
    with camera.run() as run:
        before = run.some()["faces"][0]
        camera.turn("small")
        run.until(lambda: run.results[-1][1]["faces"][0]["box"][2] < 0.7 * before["box"][2])
        after = run.some()
        assert (after["restarts"], run.stop()) == (0, 0)


def test_a_covered_lens_is_no_fault(camera: FakeCamera) -> None:
    """The same black again and again is what a covered camera shows: no restart, no face."""
    np.save(camera.folder / "frame.npy", np.zeros((240, 320, 3), np.uint8))
    camera.turn("run")
    with camera.run() as run:
        run.until(lambda: len(run.results) > 10)
        camera.turn("repeat")
        run.until(lambda: run.results[-1][0] - run.results[0][0] > 3)
        assert run.results[-1][1]["restarts"] == 0
        assert run.stop() == 0


def test_a_worker_does_not_outlive_its_supervisor(camera: FakeCamera) -> None:
    """Killed itself, the supervisor leaves no process that holds the camera."""
    with camera.run() as run:
        run.some()
        (worker,) = run.workers()
        run.process.kill()
        run.until(lambda: not Path(f"/proc/{worker}").exists() or _is_zombie(worker), 5)


def _is_zombie(pid: int) -> bool:
    """Dead, and nobody has asked yet: init will, in a container perhaps late."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("reach", "code"), [(starting, 0), (working, 0), (waiting, 0), (hanging, 1), (pausing, 0)]
)
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


def test_a_camera_that_was_never_there_is_an_error(camera: FakeCamera) -> None:
    """Before the first frame it may be a mistake of the user's: one message, code 1, no restart."""
    camera.turn("gone")
    with camera.run() as run:
        assert run.process.wait(30) == 1
    assert run.err.count("\n") == 1 and "camera 0 cannot be opened" in run.err


def test_a_full_disk_ends_the_run(camera: FakeCamera) -> None:
    """Results that cannot be written are no reason to begin anew."""
    env = running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=camera.folder)
    with Path("/dev/full").open("w") as full, Running("--source", 0, env=env, stdout=full) as run:
        assert run.process.wait(30) == 1
        run.until(lambda: "No space left" in run.err, 5)
    assert "beginning again" not in run.err and "Traceback" not in run.err


def test_a_closed_stdout_is_one_message(camera: FakeCamera) -> None:
    """Started with `>&-` the page of the heartbeat must not become stdout."""
    env = running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=camera.folder)
    words = " ".join([*running.command(), "--source", "0"])
    done = subprocess.run(
        ["sh", "-c", f"{words} >&-"],
        capture_output=True,
        text=True,
        env=env,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "stdout is closed" in done.stderr


def test_a_reader_that_goes_away_ends_the_run(camera: FakeCamera) -> None:
    """`| head -1` gets its line; code 0, nothing left."""
    env = running.environment(PYTHONPATH=FAULTS, FACEAGE_FAKE_CAMERA=camera.folder)
    reader, writer = os.pipe()
    with Running("--source", 0, env=env, stdout=writer) as run:
        os.close(writer)
        assert os.read(reader, 1 << 16)
        (worker,) = run.workers()
        os.close(reader)
        assert run.process.wait(20) == 0
        assert not Path(f"/proc/{worker}").exists()


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


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
/* Half a second after the start the wall clock is a day ahead, a second later a day behind. */
static long shift(void) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    static struct timespec begun;
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    if (begun.tv_sec == 0) begun = now;
    double s = now.tv_sec - begun.tv_sec + (now.tv_nsec - begun.tv_nsec) / 1e9;
    return s < 0.5 ? 0 : s < 1.5 ? 86400 : -86400;
}
int clock_gettime(clockid_t id, struct timespec *t) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += shift();
    return result;
}
int gettimeofday(struct timeval *t, void *zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(t, zone);
    t->tv_sec += shift();
    return result;
}
time_t time(time_t *out) {
    time_t (*real)(time_t *) = dlsym(RTLD_NEXT, "time");
    time_t now = real(0) + shift();
    if (out) *out = now;
    return now;
}
"""


def test_a_clock_that_jumps_changes_nothing(camera: FakeCamera, tmp_path: Path) -> None:
    """A day ahead, then a day back: no restart, times go on, delays stay small."""
    (tmp_path / "clock.c").write_text(CLOCK)
    shim = tmp_path / "clock.so"
    made = subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", shim, tmp_path / "clock.c", "-ldl"], check=False
    )
    assert made.returncode == 0
    probe = "import time; a = time.time(); time.sleep(.7); print(time.time() - a)"
    shown = subprocess.run(
        [sys.executable, "-c", probe],
        env=os.environ | {"LD_PRELOAD": str(shim)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(shown.stdout) > 86000, "the shim shifts the wall clock"
    with camera.run(LD_PRELOAD=shim) as run:
        run.until(lambda: run.results and run.results[-1][1]["time_s"] > 3)
        assert run.stop() == 0
    results = [result for _, result in run.results]
    assert {result["restarts"] for result in results} == {0}
    times = [result["time_s"] for result in results]
    assert times == sorted(times) and times[-1] < 10
    assert all(0 <= result["latency_ms"] < 5000 for result in results)


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
