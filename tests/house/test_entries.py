"""What the installed commands start, while they are still loading."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
# The others are light: `faceage-benchmark` imports what a sub-command needs when it runs it, the
# worker of the camera is covered by the tests of the supervisor.
HEAVY = ("faceage-calibrate", "faceage-convert", "faceage-train")


def _heard() -> None:
    """Hear Ctrl-C, also where a shell has it ignored by what runs behind it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("name", HEAVY)
@pytest.mark.parametrize("library", ["numpy", "cv2"])
def test_interrupted_while_loading(name: str, library: str) -> None:
    """Ctrl-C in the middle of the imports: one line and 130, no traceback of a library."""
    module = SCRIPTS[name].split(":")[0]
    # Python says of each import when it is done: here is a moment in the midst of them.
    command = [sys.executable, "-X", "importtime", "-m", module, "--help"]
    ours, theirs = os.pipe()
    # So little room that the program waits for us, and is never done before we have read of it.
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(
        command, stderr=theirs, stdout=subprocess.DEVNULL, preexec_fn=_heard
    ) as run:
        os.close(theirs)
        told = b""
        while not re.search(rf"\| +{library}\.".encode(), told):
            more = os.read(ours, 256)
            assert more, f"{name} --help imports no {library}: {told[-300:]!r}"
            told += more
        run.send_signal(signal.SIGINT)
        while more := os.read(ours, 4096):
            told += more
        assert run.wait(30) == 130
    os.close(ours)
    assert told.endswith(f"\n{name}: interrupted\n".encode())
    assert b"Traceback" not in told
