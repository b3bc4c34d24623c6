"""The installed `faceage-camera` under faults: processes are killed, a camera misbehaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.fake_camera import FakeCamera

Picture = npt.NDArray[np.uint8]

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


@pytest.fixture
def camera(tmp_path: Path, astronaut: Picture) -> FakeCamera:
    """A camera that shows the astronaut, 25 frames a second, with a sensor's noise."""
    return FakeCamera(tmp_path / "camera", astronaut[:240, 60:380])


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


def test_a_camera_that_never_closes_is_left_behind(camera: FakeCamera) -> None:
    """Its driver's stop blocks for ever: results go on within ten seconds, in another process."""
    with camera.run() as run:
        run.some()
        camera.turn("stuck closing")
        run.until((camera.folder / "closing").exists)
        (worker,) = run.workers()
        until_dead = run.until(lambda: not Path(f"/proc/{worker}").exists())
        camera.turn("run")
        run.until(lambda: run.results[-1][1]["restarts"] >= 1)
        assert until_dead < 8 and run.gap() < 10
        assert run.stop() == 0


def test_a_camera_that_never_opens_is_begun_anew(camera: FakeCamera) -> None:
    """Its driver's open blocks for ever: the worker is killed, and the next one may have luck."""
    with camera.run() as run:
        run.some()
        camera.turn("stuck opening")
        os.kill(run.workers()[0], signal.SIGKILL)
        run.until(lambda: "(opening); killing it" in run.err)
        camera.turn("run")
        run.until(lambda: run.results[-1][1]["restarts"] >= 2)
        assert run.some()["faces"] and run.stop() == 0


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
    camera.show(np.zeros((240, 320, 3), np.uint8))
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
