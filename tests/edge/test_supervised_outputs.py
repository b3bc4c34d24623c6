"""The installed `faceage-camera` when what it writes to fails: disks, pipes, a closed stdout."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults import running
from tests.edge.faults.fake_camera import FakeCamera
from tests.edge.faults.mounts import full_disk, read_only
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]

# The shipped models must be there: without them these tests say nothing.
pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


@pytest.fixture
def camera(tmp_path: Path, astronaut: Picture) -> FakeCamera:
    """A camera that shows the astronaut."""
    return FakeCamera(tmp_path / "camera", astronaut[:240, 60:380])


def test_a_reader_that_pauses_is_waited_for(camera: FakeCamera) -> None:
    """A full pipe is the reader's doing (`| less`): no restart, and results go on with it."""
    env = camera.environment()
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


def test_a_full_disk_ends_the_run(camera: FakeCamera) -> None:
    """Results that cannot be written are no reason to begin anew."""
    env = camera.environment()
    with Path("/dev/full").open("w") as full, Running("--source", 0, env=env, stdout=full) as run:
        assert run.process.wait(30) == 1
        run.until(lambda: "No space left" in run.err, 5)
    assert "beginning again" not in run.err and "Traceback" not in run.err


FILES = [
    ("--csv", "ages.csv", 1, "cannot write"),
    ("--events", "events.jsonl", 0, "cannot write"),
    ("--annotate", "seen.mp4", 1, "disk full?"),
    ("--annotate", "seen.png", 1, "No space left"),
]


@pytest.mark.parametrize(("option", "name", "pages", "said"), FILES)
def test_a_full_disk_under_a_file_ends_the_run(
    camera: FakeCamera, tmp_path: Path, option: str, name: str, pages: int, said: str
) -> None:
    """One message that names the file, code 1, and no beginning anew."""
    disk = tmp_path / "disk"
    disk.mkdir()
    prefix = full_disk(disk, pages)
    arguments = ("--source", 0, option, disk / name, "--max-frames", 100)
    with Running(*arguments, env=camera.environment(), prefix=prefix) as run:
        assert run.process.wait(60) == 1, run.err
        run.until(lambda: said in run.err, 5)
    assert str(disk / name) in run.err and "Traceback" not in run.err
    assert "beginning again" not in run.err


def test_a_disk_that_can_only_be_read_is_enough(camera: FakeCamera) -> None:
    """The worker dies as well, and its supervisor begins anew: nothing of it needs to write."""
    with Running("--source", 0, env=camera.environment(), prefix=read_only()) as run:
        run.some()
        os.kill(run.workers()[0], signal.SIGKILL)
        run.until(lambda: run.results[-1][1]["restarts"] == 1)
        assert run.some()["faces"]
        assert run.stop() == 0
    assert "Traceback" not in run.err


def test_a_film_whose_worker_died_leaves_no_rest(camera: FakeCamera, tmp_path: Path) -> None:
    """Each death would else leave its unfinished film, until the disk is full."""
    folder = tmp_path / "films"
    folder.mkdir()
    with camera.run("--annotate", folder / "seen.mp4") as run:
        run.some(5)
        os.kill(run.workers()[0], signal.SIGKILL)
        run.until(lambda: run.results[-1][1]["restarts"] == 1)
        run.some(5)
        assert run.stop() == 0
    assert [path.name for path in folder.iterdir()] == ["seen.mp4"]


def test_a_closed_stdout_is_one_message(camera: FakeCamera) -> None:
    """Started with `>&-` the page of the heartbeat must not become stdout."""
    env = camera.environment()
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
    env = camera.environment()
    reader, writer = os.pipe()
    with Running("--source", 0, env=env, stdout=writer) as run:
        os.close(writer)
        assert os.read(reader, 1 << 16)
        (worker,) = run.workers()
        os.close(reader)
        assert run.process.wait(20) == 0
        assert not Path(f"/proc/{worker}").exists()
