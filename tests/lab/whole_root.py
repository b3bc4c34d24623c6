"""A Debian for ARM in which apt, venv and pip themselves run, as on a Pi; needs root.

The kernel starts its programs through the emulator while `arm_programs_run`; they run in a
namespace of mounts that ends with them. The packages of Raspberry Pi OS alone are not in Debian:
an empty one of the same name stands in for python3-picamera2.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import cpuinfo, once
from faceage_edge.errors import FaceageError

__all__ = ["WholeRoot", "arm_programs_run", "build_whole_root"]

_EMULATOR = "qemu-aarch64-static"
# The first twenty bytes of a 64-bit ARM program, and which of their bits count.
_MAGIC = r"\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00"
_MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
_CPU = "cortex-a72"
# What of the host's environment says how packages are fetched.
_FETCHING = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_STAND_IN = """\
Package: python3-picamera2
Version: 0.standin
Architecture: all
Maintainer: faceage
Depends: python3, python3-numpy, python3-pil
Description: stands in for the package of Raspberry Pi OS, with what of it meets ours: numpy
"""


@contextmanager
def arm_programs_run() -> Iterator[None]:
    """Register the emulator with the kernel, and take it back.

    Raises:
        FaceageError: this is not root, or the kernel has no binfmt_misc.
    """
    ensure_tools({_EMULATOR: "qemu-user-static"})
    emulator = shutil.which(_EMULATOR)
    name = f"faceage-{os.getpid()}"
    with TemporaryDirectory() as folder:
        run_quietly(["mount", "-t", "binfmt_misc", "none", folder])
        try:
            # F: the emulator is opened now, so that it need not lie in the root file system.
            line = f":{name}:M::{_MAGIC}:{_MASK}:{emulator}:F"
            Path(folder, "register").write_text(line)
            yield
        finally:
            if Path(folder, name).exists():
                Path(folder, name).write_text("-1")
            run_quietly(["umount", folder])


@dataclass(frozen=True)
class WholeRoot:
    """A root file system to run commands in, while `arm_programs_run`."""

    root: Path

    def sh(self, script: str, *, stdin: bytes = b"", network: bool = True) -> bytes:
        """Run a shell script in it as root; what it wrote on stdout.

        Raises:
            FaceageError: a command of it failed; its last lines are in the message.
        """
        (self.root / "cpuinfo").write_text(cpuinfo(_CPU))
        mounts = [
            f"mount --rbind /{name} {self.root}/{name}" for name in ("proc", "sys", "dev")
        ] + [
            f"mount --bind {self.root}/cpuinfo {self.root}/proc/cpuinfo",
            f"mount --bind /etc/resolv.conf {self.root}/etc/resolv.conf",
        ]
        inside = " && ".join([*mounts, f'exec chroot {self.root} /bin/sh -euc "$1"'])
        command = ["unshare", "--mount", *([] if network else ["--net"]), "sh", "-c", inside]
        done = subprocess.run(
            [*command, "sh", script], input=stdin, capture_output=True, env=_environment(),
            check=False,
        )  # fmt: skip
        if done.returncode:
            tail = (done.stderr or done.stdout).decode(errors="replace")[-800:]
            raise FaceageError(f"code {done.returncode} of {script.strip()!r}: {tail}")
        return done.stdout

    def copy(self, to: Path) -> "WholeRoot":
        """A copy that may be changed."""
        run_quietly(["cp", "-a", "--reflink=auto", str(self.root), str(to)])
        return WholeRoot(to)


def _environment() -> dict[str, str]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    fetching = {name: os.environ[name] for name in _FETCHING if name in os.environ}
    own = {"HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "PATH": path}
    return {**fetching, **own, "QEMU_CPU": _CPU, "PIP_CERT": "/certificates.crt"}


def build_whole_root(cache: Path, suite: str) -> WholeRoot:
    """Build or reuse a Debian release for ARM; to be called while `arm_programs_run`.

    Raises:
        FaceageError: a tool is missing or fails.
    """
    cache.mkdir(parents=True, exist_ok=True)
    return WholeRoot(once(cache / f"{suite}-arm64-whole", lambda at: _build(at, suite)))


def _build(target: Path, suite: str) -> None:
    print(f"installing Debian {suite} for ARM, emulated (once; minutes)", flush=True)
    # Not `root`: there is a folder of that name in it.
    root = target / "unpacked"
    run_quietly(
        ["mmdebstrap", "--mode=root", "--variant=apt", "--architectures=arm64",
         '--aptopt=Acquire::Languages "none"', "--skip=check/qemu",
         "--dpkgopt=path-exclude=/usr/share/{doc,man,locale,info}/*", suite, str(root)]
    )  # fmt: skip
    for entry in root.iterdir():
        entry.rename(target / entry.name)
    root.rmdir()
    shutil.copy(_CERTIFICATES, target / "certificates.crt")
    (target / "etc" / "resolv.conf").touch()
    sudo = target / "usr" / "local" / "bin" / "sudo"
    sudo.write_text('#!/bin/sh\nexec "$@"\n')
    sudo.chmod(0o755)
    with TemporaryDirectory() as folder:
        control = Path(folder, "DEBIAN", "control")
        control.parent.mkdir()
        control.write_text(_STAND_IN)
        run_quietly(["dpkg-deb", "--build", folder, str(target / "stand-in.deb")])
    WholeRoot(target).sh("apt-get update -qq\napt-get install -y -qq ./stand-in.deb")
