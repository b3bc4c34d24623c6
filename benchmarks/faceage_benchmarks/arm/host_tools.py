"""The host's programs that emulation needs, installed where they are missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from faceage_edge.errors import FaceageError

__all__ = ["ensure_tools", "run_quietly"]

# Program: the Debian package that brings it. qemu-user is the dynamic build: the static one has
# no plugins.
_PACKAGES = {"qemu-aarch64": "qemu-user", "mmdebstrap": "mmdebstrap", "gcc": "gcc libc6-dev"}


def ensure_tools(more: Mapping[str, str] | None = None) -> None:
    """Install the emulator, the root file system builder and a C compiler where missing.

    Args:
        more: programs that are needed besides, each with the Debian package that brings it.

    Raises:
        FaceageError: a program is missing and this user cannot install packages.
    """
    wanted = {**_PACKAGES, **(more or {})}
    missing = [program for program in wanted if shutil.which(program) is None]
    if not missing:
        return
    packages = " ".join(wanted[program] for program in missing).split()
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise FaceageError(
            f"{', '.join(missing)} not found, needed to emulate ARM; install on Debian with: "
            f"sudo apt-get install {' '.join(packages)}"
        )
    print(f"installing {' '.join(packages)}", file=sys.stderr)
    run_quietly(["apt-get", "update", "-qq"])
    # Another one may be installing: it is waited for.
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq"]
    run_quietly([*apt, "--no-install-recommends", *packages])


def run_quietly(command: Sequence[str], **options: object) -> str:
    """Run a program to its end.

    Returns:
        What it wrote on stdout.

    Raises:
        FaceageError: it failed; the end of what it wrote is in the message.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, **options
    )  # type: ignore[call-overload]
    if done.returncode:
        tail = (done.stderr or done.stdout).strip()[-600:]
        raise FaceageError(f"{command[0]} failed with code {done.returncode}: {tail}")
    return str(done.stdout)
