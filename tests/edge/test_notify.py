"""sd_notify, spoken to a socket as systemd opens it."""

import os
import socket
from pathlib import Path

import pytest

from faceage_edge.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_states_are_a_line_each(tmp_path: Path, abstract: bool) -> None:
    """A path or, with a leading @, a name in Linux's abstract namespace."""
    path = f"@faceage-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path[1:] if abstract else path)
        notifier = Notifier(path)
        notifier.send(READY=1, STATUS="running")
        notifier.send(WATCHDOG=1)
        assert manager.recv(100) == b"READY=1\nSTATUS=running"
        assert manager.recv(100) == b"WATCHDOG=1"
        notifier.close()
        notifier.send(READY=1)


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/notify"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    """Started by hand, or with a socket that is not there."""
    Notifier(address).send(READY=1)
