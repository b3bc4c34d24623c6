"""A real RTSP camera on loopback: H.264 over TCP, broken off and come back."""

from itertools import islice

import pytest
from tests.edge.rtsp_camera import free_port, needs_rtsp_server, rtsp_camera

from faceage_edge.quiet_opencv import quiet_opencv
from faceage_edge.stream import Stream

pytestmark = pytest.mark.slow


def test_an_rtsp_camera_is_read_and_found_again() -> None:
    """Frames in its size and with something in them; after a restart they go on counting."""
    needs_rtsp_server()
    quiet_opencv()
    port = free_port()
    said: list[str] = []
    with rtsp_camera(port) as url:
        stream = Stream(url, say=said.append, back_off_s=(0.1, 0.5))
        frames = iter(stream)
        first = list(islice(frames, 30))
    with rtsp_camera(port), stream:
        more = list(islice(frames, 5))
    assert first[0].picture.shape == (120, 160, 3)
    # A white ball on black.
    assert first[-1].picture.max() > 200
    assert more[-1].index == 34
    assert len(said) == 2
