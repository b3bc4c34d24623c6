"""The systemd unit, and the supervisor's talk with the manager in a real run."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults import running
from tests.edge.faults.running import Running

Picture = npt.NDArray[np.uint8]


@pytest.fixture
def unit(repo_root: Path) -> Path:
    """The unit file of the documentation."""
    return repo_root / "docs" / "service" / "faceage-camera.service"


def test_systemd_accepts_the_unit(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, given a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text("utf-8")))
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_gives_little_away(unit: Path) -> None:
    """systemd's own measure, 0 to 10: what it leaves open are cameras, its socket and netlink."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "offline" in done.stderr:
        pytest.skip("needs systemd 250, which knows --offline")
    assert done.returncode == 0, done.stdout


def test_the_unit_lets_every_source_in(unit: Path) -> None:
    """The device nodes that V4L2, libcamera, Coral and the firmware's flags are reached by."""
    allowed = re.findall(r"^DeviceAllow=(\S+) rw$", unit.read_text("utf-8"), re.MULTILINE)
    nodes = {"char-video4linux", "char-media", "char-dma_heap", "char-usb_device", "char-apex"}
    assert nodes | {"/dev/vcio"} <= set(allowed)


def test_the_unit_is_what_the_page_says(unit: Path) -> None:
    """Notify, a watchdog longer than the program's own cures take, an own user, nothing written."""
    settings = dict(
        line.split("=", 1)
        for line in unit.read_text("utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"]) > 30
    assert (settings["User"], settings["ProtectSystem"]) == ("faceage", "strict")
    assert "video" in settings["SupplementaryGroups"].split()
    assert "ReadWritePaths" not in settings and "StateDirectory" not in settings


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
def test_the_manager_hears_of_real_frames_only(
    walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path], tmp_path: Path
) -> None:
    """READY with the first result, the watchdog while results come, STOPPING at the end."""
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(10)
        env = running.environment(NOTIFY_SOCKET=address)
        with Running("--source", write_clip(walking_face), "--loop", env=env) as run:
            assert manager.recv(200).splitlines()[0] == b"READY=1"
            assert run.results, "ready before the first result"
            assert manager.recv(200) == b"WATCHDOG=1"
            run.some(5)
            assert run.stop() == 0
        said: list[bytes] = []
        manager.settimeout(0.1)
        while not said or said[-1] != b"STOPPING=1":
            said.append(manager.recv(200))
        assert set(said[:-1]) <= {b"WATCHDOG=1"}
