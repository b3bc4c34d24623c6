"""Accelerators that fail, on ARM: the stub delegate of the tests, built for it, in both runtimes.

    python -m tests.lab.delegates [--cache DIR]      (in a checkout, on Debian x86-64)

LiteRT and tflite-runtime each load it through `faceage-camera --delegate`: one that does nothing
must change nothing, and each way to fail must end as it does on x86. Ends with 1 where not.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.boards import CPU, LEGS, ROOT
from tests.lab.scene import CACHE, CAMERA, results, scene, years_apart

from faceage_benchmarks.arm.emulate import run_guest
from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import Sysroot, build_sysroot
from faceage_edge.errors import FaceageError

BOARDS = ("bookworm", "tflite")
COMPILER = "aarch64-linux-gnu-gcc"
TOOLS = {COMPILER: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"}
SOURCE = ROOT / "tests" / "edge" / "faults" / "delegate.c"
# By the stub's option `how`: what is said. An abort is the worker's death, which only the
# supervisor survives; it cannot start a worker where single programs are emulated.
FAILURES = {
    "refuse": "refuses",
    "prepare": "cannot prepare this model",
    "garbage": "the accelerator computes wrongly",
    "abort": "code -6",
}


def look(sysroot: Sysroot, *more: str) -> bytes:
    """JSON lines of the scene, as the board's program gives them."""
    arguments = ["-m", "faceage_edge.camera", *CAMERA, *more]
    return run_guest(sysroot, CPU, arguments, stdin=scene()).stdout


def run(name: str, cache: Path, library: Path) -> str:
    """Run the stub on a board; say in a line what held.

    Raises:
        FaceageError: it failed where it should not, or otherwise.
    """
    leg = LEGS[name]
    sysroot = build_sysroot(cache, ROOT, ROOT / "constraints" / leg.constraints, leg.board)
    plain = look(sysroot)
    idle = look(sysroot, "--delegate", f"{library},how=nothing")
    if years_apart(results(plain), results(idle)) > 0:
        raise FaceageError(f"{name}: a delegate that does nothing changes ages")
    for how, words in FAILURES.items():
        try:
            look(sysroot, "--delegate", f"{library},how={how}")
        except FaceageError as error:
            if words in str(error):
                continue
            raise FaceageError(f"{name}: {how} ends with {error}, expected {words!r}") from error
        raise FaceageError(f"{name}: {how} is not noticed")
    return f"{name}: one that does nothing changes nothing; {', '.join(FAILURES)} end as on x86"


def main() -> int:
    """Run it on both boards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    cache = parser.parse_args().cache
    try:
        ensure_tools(TOOLS)
        with TemporaryDirectory() as folder:
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
