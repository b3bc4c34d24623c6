"""Run the guest's Python under qemu-user and count what it executes."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceage_benchmarks.arm.sysroot import Sysroot
from faceage_edge.errors import FaceageError

__all__ = ["CLASSES", "Counts", "Run", "read_counts", "run_guest"]

# The columns that counter.c prints.
CLASSES = ("all", "dot", "fmla", "smlal", "load_store")

Counts = dict[str, int]


@dataclass(frozen=True)
class Run:
    """What a guest program wrote on stdout, and its counts between markers, in order."""

    stdout: bytes
    counts: tuple[Counts, ...]


def run_guest(
    sysroot: Sysroot,
    cpu: str,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float = 600,
) -> Run:
    """Run the guest's Python with the project and the ARM wheels on its path.

    Args:
        sysroot: from `build_sysroot`.
        cpu: a key of `sysroot.CPUS`.
        arguments: of the interpreter, e.g. `-m`, `faceage_edge.camera`, ...
        stdin: bytes for its standard input.
        timeout_s: the guest is killed after this many seconds.

    Raises:
        FaceageError: it failed; its last lines are in the message.
    """
    sysroot.choose_cpu(cpu)
    with tempfile.NamedTemporaryFile() as counted:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONHOME": str(sysroot.root / "usr"),
            "PYTHONPATH": f"{sysroot.site}:{sysroot.site / 'wheels'}",
            # Set order and hash collisions would change the count from run to run.
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LD_LIBRARY_PATH": "",
            "FACEAGE_COUNTS": counted.name,
        }
        command = ["qemu-aarch64", "-cpu", cpu, "-L", str(sysroot.root)]
        command += ["-plugin", str(sysroot.plugin)]
        command += [str(sysroot.root / "usr" / "bin" / f"python{sysroot.python}"), *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, env=environment, timeout=timeout_s,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise FaceageError(
                f"the guest ran longer than {timeout_s:g} s and was killed"
            ) from error
        if done.returncode:
            tail = done.stderr.decode(errors="replace")[-800:]
            raise FaceageError(f"the guest ended with code {done.returncode}: {tail}")
        return Run(done.stdout, read_counts(Path(counted.name)))


def read_counts(path: Path) -> tuple[Counts, ...]:
    """Read what counter.c printed: a line a stretch between markers."""
    rows = [map(int, line.split()) for line in path.read_text().splitlines()]
    return tuple(dict(zip(CLASSES, row, strict=True)) for row in rows)
