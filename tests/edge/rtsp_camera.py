"""A network camera on loopback that speaks RTSP, where the system has a server for it."""

import functools
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["free_port", "needs_rtsp_server", "rtsp_camera"]

_SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import GstRtspServer, Gst; Gst.init(None); "
    "assert Gst.ElementFactory.find('x264enc')"
)
_REASON = (
    "needs an RTSP server (apt install gir1.2-gst-rtsp-server-1.0 python3-gi "
    "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)"
)


@functools.cache
def _can_serve() -> bool:
    if not Path(_SYSTEM_PYTHON).exists():
        return False
    probe = subprocess.run([_SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False)
    return probe.returncode == 0


def needs_rtsp_server() -> None:
    """Skip the test that calls this where there is no server."""
    if not _can_serve():
        pytest.skip(_REASON)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def rtsp_camera(port: int, *, fps: int = 30) -> Iterator[str]:
    """The camera's address, while it runs; it delivers H.264, 160x120."""
    script = Path(__file__).with_name("rtsp_server.py")
    process = subprocess.Popen(
        [_SYSTEM_PYTHON, str(script), str(port), str(fps)],
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
