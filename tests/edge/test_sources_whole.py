"""Every source that needs no device through the installed `faceage-camera`: 300 results, code 0.

The V4L2 and Pi cameras have it in the lab: `tests/lab/vivid.py`, `tests/lab/virtual_camera.py`.
"""

import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.running import Running
from tests.edge.mjpeg_server import MjpegCamera
from tests.edge.rtsp_camera import free_port, needs_rtsp_server, rtsp_camera

Picture = npt.NDArray[np.uint8]
FRAMES = 300

pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


def three_hundred(source: object) -> None:
    """Run until so many results have come, and hold them."""
    with Running("--source", source, "--max-frames", FRAMES) as run:
        assert run.process.wait(120) == 0, run.err
        run.until(lambda: len(run.results) == FRAMES, 5)
    frames = [result["frame"] for _, result in run.results]
    assert frames == sorted(set(frames))
    assert {result["restarts"] for _, result in run.results} == {0}


def test_a_film(walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]) -> None:
    """A face walks to and fro in 400 frames; the first 300 are looked at."""
    three_hundred(write_clip((walking_face + walking_face[::-1]) * 25))


def test_a_folder(
    walking_face: list[Picture], write_frames: Callable[[Iterable[Picture]], Path]
) -> None:
    """Numbered pictures, in order."""
    three_hundred(write_frames((walking_face * 38)[:FRAMES]))


def test_raw_frames_on_stdin(walking_face: list[Picture]) -> None:
    """Through a pipe that another program fills."""
    size = ("--width", 320, "--height", 240)
    with Running("--source", "-", *size, "--max-frames", FRAMES, stdin=subprocess.PIPE) as run:
        pipe = run.process.stdin
        assert pipe is not None

        def feed() -> None:
            for picture in (walking_face * 38)[:FRAMES]:
                pipe.write(picture.tobytes())
            pipe.close()

        feeder = threading.Thread(target=feed)
        feeder.start()
        assert run.process.wait(120) == 0, run.err
        feeder.join(5)
        run.until(lambda: len(run.results) == FRAMES, 5)
    assert [result["frame"] for _, result in run.results] == list(range(FRAMES))


def test_a_network_camera_that_breaks_off() -> None:
    """MJPEG over HTTP that ends after each 120 pictures: opened anew, in the same worker."""
    with MjpegCamera(frames=120, pause_s=0.02) as camera:
        three_hundred(camera.url)
        assert camera.clients >= 3


def test_a_network_camera_that_speaks_rtsp() -> None:
    """H.264 over TCP."""
    needs_rtsp_server()
    with rtsp_camera(free_port(), fps=60) as url:
        three_hundred(url)
