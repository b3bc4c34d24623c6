"""The device lab's emulated boards: the real ARM wheels on real Debian Pythons, one leg a board.

    python -m tests.lab.boards LEG [--cache DIR]      (in a checkout, on Debian x86-64)

    bookworm    Python 3.11, LiteRT, numpy 1: constraints/device-bookworm.txt
    trixie      Python 3.13, LiteRT, numpy 2: constraints/device.txt
    tflite      Python 3.11, tflite-runtime 2.14, numpy 1
    simplejpeg  Bookworm's numpy beside a package compiled against it, and what the doctor says
                when numpy 2 stands there instead

Each looks at a frame with a face in it under user-mode emulation, with every sink that needs no
network, and compares the results with this machine's. It ends with 1 where they differ.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.scene import CACHE, CAMERA, results, scene, years_apart

from faceage_benchmarks.arm.emulate import run_guest
from faceage_benchmarks.arm.sysroot import Board, Sysroot, build_sysroot
from faceage_edge.errors import FaceageError

ROOT = Path(__file__).resolve().parents[2]
CPU = "cortex-a72"
LITERT = ("numpy", "ai-edge-litert", "opencv-python-headless")


@dataclass(frozen=True)
class Leg:
    """A board, its pins, and by how many years its ages may differ from this machine's."""

    board: Board
    constraints: str
    years: float


LEGS = {
    # XNNPACK's int8 is the same everywhere; what is left is float's rounding outside the models.
    "bookworm": Leg(Board(packages=LITERT), "device-bookworm.txt", 0.1),
    "trixie": Leg(Board("trixie", "3.13", LITERT), "device.txt", 0.1),
    # Built-in kernels round differently: a quantum here and there, some of them in the detector.
    "tflite": Leg(
        Board(packages=("numpy", "tflite-runtime", "opencv-python-headless")),
        "device-bookworm.txt",
        3.0,
    ),
}
SIMPLEJPEG = Board(packages=(*LITERT, "simplejpeg==1.7.2"))


def run_leg(name: str, cache: Path) -> str:
    """Run a board's leg; say in a line what was equal.

    Raises:
        FaceageError: it failed or its results differ.
    """
    leg = LEGS[name]
    constraints = ROOT / "constraints" / leg.constraints
    sysroot = build_sysroot(cache, ROOT, constraints, leg.board)
    frames = scene()
    camera = ["-m", "faceage_edge.camera", *CAMERA]
    here = subprocess.run([sys.executable, *camera], input=frames, capture_output=True, check=True)
    there = run_guest(sysroot, CPU, [*camera, *_sinks(cache)], stdin=frames)
    apart = years_apart(results(here.stdout), results(there.stdout))
    rows = (cache / "ages.csv").read_text().splitlines()
    events = (cache / "events.jsonl").read_text().splitlines()
    if len(rows) != 4 or len(events) != 2:
        raise FaceageError(
            f"{name}: {len(rows)} lines of CSV and {len(events)} events, not 4 and 2"
        )
    if apart > leg.years:
        raise FaceageError(f"{name}: ages differ by {apart:.2f} years, allowed are {leg.years}")
    return f"{name}: 3 frames, one face in each; ages within {apart:.2f} years of this machine's"


def _sinks(cache: Path) -> list[str]:
    targets = {"csv": cache / "ages.csv", "events": cache / "events.jsonl"}
    for path in targets.values():
        path.unlink(missing_ok=True)
    return [word for name, path in targets.items() for word in (f"--{name}", str(path))]


def run_simplejpeg(cache: Path) -> str:
    """A package compiled against numpy 1, beside ours; and the doctor's word on numpy 2."""
    beside = build_sysroot(cache, ROOT, ROOT / "constraints/device-bookworm.txt", SIMPLEJPEG)
    code = (
        "import numpy, cv2, simplejpeg, faceage_edge.camera\n"
        "picture = numpy.full((16, 16, 3), 90, numpy.uint8)\n"
        "jpeg = simplejpeg.encode_jpeg(picture, colorspace='BGR')\n"
        "print(numpy.__version__, simplejpeg.decode_jpeg(jpeg).shape)\n"
    )
    said = run_guest(beside, CPU, ["-c", code]).stdout.decode().strip()
    if not said.startswith("1.") or not said.endswith("(16, 16, 3)"):
        raise FaceageError(f"simplejpeg beside numpy 1 says: {said}")
    newer = build_sysroot(cache, ROOT, ROOT / "constraints/device.txt", SIMPLEJPEG)
    return f"simplejpeg: works beside numpy {said.split()[0]}; {_doctor(newer)}"


def _doctor(sysroot: Sysroot) -> str:
    """What importing it says beside numpy 2, and that our doctor knows those words."""
    code = (
        "from faceage_edge.doctor_software import _is_clash\n"
        "try:\n import simplejpeg\n"
        "except Exception as error:\n print(_is_clash(f'{type(error).__name__}: {error}'), error)\n"
        "else:\n print('fits')\n"
    )
    said = run_guest(sysroot, CPU, ["-c", code]).stdout.decode().strip()
    if said == "fits":
        return "and this build of it beside numpy 2 as well"
    if not said.startswith("True"):
        raise FaceageError(f"the doctor does not know this clash: {said}")
    return "the doctor recognises its clash with numpy 2"


RUNNERS: dict[str, Callable[[Path], str]] = {
    **{name: partial(run_leg, name) for name in LEGS},
    "simplejpeg": run_simplejpeg,
}


def main() -> int:
    """Run one leg."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leg", choices=list(RUNNERS))
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    try:
        print(RUNNERS[options.leg](options.cache))
    except FaceageError as error:
        print(f"{options.leg}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
