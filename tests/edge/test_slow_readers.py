"""The installed `faceage-camera` with every sink whose other end is slow, dead or gone."""

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.running import Running
from tests.edge.rtsp_camera import free_port

Picture = npt.NDArray[np.uint8]
CLIENTS = 40

pytestmark = [pytest.mark.usefixtures("shipped"), pytest.mark.slow]


def dead_client(port: int, path: str) -> socket.socket:
    """One that asks and never reads, with room for next to nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def test_nobody_who_is_slow_slows_the_loop(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]
) -> None:
    """Forty viewers that read nothing, a broker that never answers: the frames' delay stays."""
    preview, metrics = free_port(), free_port()
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        broker.listen()
        words = ["--source", write_clip(walking_face), "--rate", 20, "--preview", preview]
        words += [
            "--metrics",
            metrics,
            "--mqtt",
            f"mqtt://127.0.0.1:{broker.getsockname()[1]}/hall",
        ]
        with Running(*words) as run:
            run.some(60)
            free = [result["latency_ms"] for _, result in run.results]
            clients = [dead_client(preview, "/stream.mjpg") for _ in range(CLIENTS)]
            clients += [dead_client(metrics, "/metrics") for _ in range(CLIENTS)]
            had = len(run.results)
            run.some(240)
            held = [result["latency_ms"] for _, result in run.results[had:]]
            for client in clients:
                client.close()
            # Drawing for viewers takes processor time, never a wait: a send that is waited for
            # would take the ten seconds that a client is granted.
            assert float(np.median(held)) < 2 * float(np.median(free)) + 20
            assert run.gap() < 2
            assert run.stop() == 0
