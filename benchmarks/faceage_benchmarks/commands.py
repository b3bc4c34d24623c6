"""Run a command of this installation as a user would type it."""

import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

from faceage_edge.errors import FaceageError

__all__ = ["find_command", "run_shown"]


def find_command(name: str) -> str:
    """Find a console script: beside this Python, else on the PATH.

    Beside this Python first: an environment that is not activated is not on the PATH.

    Raises:
        FaceageError: it is in neither place.
    """
    scripts = sysconfig.get_path("scripts")
    found = shutil.which(name, path=scripts) or shutil.which(name)
    if found is None:
        raise FaceageError(
            f"the command {name} is neither in {Path(scripts)} nor on the PATH; "
            "install faceage into this Python: pip install ."
        )
    return found


def run_shown(name: str, *arguments: str) -> str:
    """Print a command line, run it, and return what it wrote to stdout.

    Args:
        name: of the console script.
        arguments: its arguments; its stderr goes where ours goes.

    Raises:
        FaceageError: the command is missing or fails.
    """
    program = find_command(name)
    print(f"\n$ {shlex.join([name, *arguments])}", flush=True)
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise FaceageError(
            f"{name} ended with exit code {done.returncode}; its own message stands above"
        )
    return done.stdout
