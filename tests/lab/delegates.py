"""Accelerators that fail, on ARM: the stub delegate of the tests, built for it, in both runtimes.

    python -m tests.lab.delegates [--cache DIR]      (in a checkout, on Debian x86-64, as root)

LiteRT and tflite-runtime each load it through `faceage-camera --delegate`, supervisor and worker.
One that does nothing must change nothing; one that refuses, aborts, fails or hangs must be done
without, as on x86. Ends with 1 where not.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.edge.faults.delegate import SOURCE, WAYS
from tests.lab.boards import CPU, LEGS, ROOT
from tests.lab.scene import CACHE, CAMERA, results, scene, years_apart
from tests.lab.whole_root import arm_programs_run

from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import Sysroot, build_sysroot
from faceage_edge.errors import FaceageError

BOARDS = ("bookworm", "tflite")
COMPILER = "aarch64-linux-gnu-gcc"
TOOLS = {COMPILER: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"}
# An emulated processor is slower than what the usual limits are for.
PATIENCE = ("--start-within", "300", "--patience", "60")
LIMIT_S = 900


def look(sysroot: Sysroot, *more: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the board's program on the scene; the kernel starts its processes by the emulator.

    Raises:
        FaceageError: it failed, or does not come to its end.
    """
    sysroot.choose_cpu(CPU)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHOME": str(sysroot.root / "usr"),
        "PYTHONPATH": f"{sysroot.site}:{sysroot.site / 'wheels'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "QEMU_LD_PREFIX": str(sysroot.root),
        "QEMU_CPU": CPU,
    }
    python = sysroot.root / "usr" / "bin" / f"python{sysroot.python}"
    command = [str(python), "-m", "faceage_edge.camera_entry", *CAMERA, *PATIENCE, *more]
    try:
        done = subprocess.run(
            command, input=scene(), capture_output=True, env=environment, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FaceageError(f"{more} has not ended within {LIMIT_S} s") from error
    if done.returncode:
        tail = done.stderr.decode(errors="replace")[-800:]
        raise FaceageError(f"{more} ended with code {done.returncode}: {tail}")
    return done


def run(name: str, cache: Path, library: Path) -> str:
    """Run the stub on a board; say in a line what held.

    Raises:
        FaceageError: something did not end as on x86.
    """
    leg = LEGS[name]
    sysroot = build_sysroot(cache, ROOT, ROOT / "constraints" / leg.constraints, leg.board)
    plain = results(look(sysroot).stdout)
    idle = results(look(sysroot, "--delegate", f"{library},how=nothing").stdout)
    if years_apart(plain, idle) > 0 or any(frame["degraded"] for frame in idle):
        raise FaceageError(f"{name}: a delegate that does nothing changes results")
    for how, words, _ in WAYS:
        done = look(sysroot, "--delegate", f"{library},how={how}")
        found = results(done.stdout)
        states = {(frame["degraded"], frame["restarts"]) for frame in found}
        said = done.stderr.decode(errors="replace")
        if words not in said or states != {(True, 1)} or years_apart(plain, found) > 0:
            raise FaceageError(f"{name}: {how} ends with {states} and says: {said[-800:]}")
    ways = ", ".join(how for how, _, _ in WAYS)
    return f"{name}: one that does nothing changes nothing; {ways}: the CPU takes its place"


def main() -> int:
    """Run it on both boards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    cache = parser.parse_args().cache
    try:
        ensure_tools(TOOLS)
        with TemporaryDirectory() as folder, arm_programs_run():
            library = Path(folder, "fault.so")
            build = ["-shared", "-fPIC", "-pthread", "-o", str(library), str(SOURCE)]
            run_quietly([COMPILER, *build])
            for name in BOARDS:
                print(run(name, cache, library), flush=True)
    except FaceageError as error:
        print(f"delegates: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
