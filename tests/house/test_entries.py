"""What the installed commands start, while they are still loading."""

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


@pytest.mark.parametrize("name", HEAVY)
@pytest.mark.parametrize("library", ["numpy", "cv2"])
def test_interrupted_while_loading(name: str, library: str) -> None:
    """Ctrl-C in the middle of the imports: one line and 130, no traceback of a library."""
    module = SCRIPTS[name].split(":")[0]
    # Python says of each import when it is done: here is a moment in the midst of them.
    command = [sys.executable, "-X", "importtime", "-m", module, "--help"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        told = []
        for line in run.stderr:
            told.append(line)
            if line.rsplit("|", 1)[-1].strip().startswith(f"{library}."):
                run.send_signal(signal.SIGINT)
                break
        else:
            pytest.fail(f"{name} --help imports no {library}: {''.join(told[-3:])}")
        told += run.stderr.readlines()
        assert run.wait(30) == 130
    assert told[-1] == f"{name}: interrupted\n"
    assert not any("Traceback" in line for line in told)
