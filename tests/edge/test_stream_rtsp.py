"""A real RTSP camera on loopback: H.264 over TCP, broken off and come back."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from faceage_edge.quiet_opencv import quiet_opencv
from faceage_edge.stream import Stream

SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import GstRtspServer, Gst; Gst.init(None); "
    "assert Gst.ElementFactory.find('x264enc')"
)


def _can_serve() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    probe = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False)
    return probe.returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not _can_serve(),
        reason="needs an RTSP server (apt install gir1.2-gst-rtsp-server-1.0 python3-gi "
        "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)",
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def camera(port: int) -> Iterator[str]:
    """The camera's address, while it runs."""
    script = Path(__file__).with_name("rtsp_server.py")
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(script), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The checkout's own environment is not the system's Python's.
        env={"PATH": "/usr/bin:/bin"},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield f"rtsp://127.0.0.1:{port}/ball"
    finally:
        process.kill()
        process.communicate()


def test_an_rtsp_camera_is_read_and_found_again() -> None:
    """Frames in its size and with something in them; after a restart they go on counting."""
    quiet_opencv()
    port = free_port()
    said: list[str] = []
    with camera(port) as url:
        stream = Stream(url, say=said.append, back_off_s=(0.1, 0.5))
        frames = iter(stream)
        first = list(islice(frames, 30))
    with camera(port), stream:
        more = list(islice(frames, 5))
    assert first[0].picture.shape == (120, 160, 3)
    # A white ball on black.
    assert first[-1].picture.max() > 200
    assert more[-1].index == 34
    assert len(said) == 2
