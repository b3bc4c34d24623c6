"""The doctor's look at the accelerators of `--delegate`: the models are tried on them."""

import argparse
import signal
import subprocess
import sys

from faceage_edge.delegates import parse_delegate
from faceage_edge.diagnosis import Diagnosis
from faceage_edge.errors import UsageError

__all__ = ["accelerator"]

# Opening a Coral and its firmware take three seconds, the models one or two.
_PATIENCE_S = 60.0
_UNPLUG = "unplug it and plug it in again, or do without --delegate"


def accelerator(options: argparse.Namespace) -> Diagnosis:
    """Load the models of the command line with its delegates, as the camera would.

    In a process of its own: such libraries abort, and hang.
    """
    if not options.delegate:
        return Diagnosis("absent", "none asked for with --delegate")
    asked = " and ".join(options.delegate)
    try:
        for text in options.delegate:
            parse_delegate(text)
        done = subprocess.run(
            _command(options), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
    except UsageError as error:
        return Diagnosis("broken", asked, str(error))
    except subprocess.TimeoutExpired:
        return Diagnosis("broken", f"{asked} has not answered in {_PATIENCE_S:g} s", _UNPLUG)
    if done.returncode == 0:
        return Diagnosis("ok", f"{asked} computes the models' golden outputs")
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return Diagnosis("broken", f"{asked} kills its process ({name})", _UNPLUG)
    said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    return Diagnosis("broken", f"{asked} does not work", said.partition("error: ")[2] or said)


def _command(options: argparse.Namespace) -> list[str]:
    words = [sys.executable, "-P", "-m", "faceage_edge.camera", "--try-accelerator"]
    for name in ("models", "age", "detector"):
        if (value := getattr(options, name)) is not None:
            words.append(f"--{name}={value}")
    return words + [f"--delegate={text}" for text in options.delegate]
