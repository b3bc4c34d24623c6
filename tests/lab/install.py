"""How the pages say that faceage is installed, done as they say it on an emulated ARM Debian.

    python -m tests.lab.install bookworm|trixie [--cache DIR]      (as root, on Debian x86-64)

The two lines of docs/maker.md; then the recipe of docs/engineer.md for devices without a network,
its first part on this machine and its second in a namespace that has none. After each the installed
`faceage-camera`, supervisor and worker, must see what this machine sees, and its doctor must find
nothing wrong but that there is no camera. Many minutes. Ends with 1 where something fails.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.scene import CACHE, CAMERA, results, scene, years_apart
from tests.lab.whole_root import WholeRoot, arm_programs_run, build_whole_root

from faceage_benchmarks.arm.host_tools import run_quietly
from faceage_edge.errors import FaceageError

ROOT = Path(__file__).resolve().parents[2]
# The folders in which commands are run, in the root file system.
CLONE, DEVICE = "root/faceage", "root/device"
# What the doctor looks at that has nothing to do with hardware.
SOFTWARE = {"python", "system", "numpy", "opencv", "runtime", "models"}
# XNNPACK's int8 is the same everywhere; what is left is float's rounding outside the models.
YEARS = 0.1


@dataclass(frozen=True)
class Recipes:
    """Commands of the pages: for a maker's Pi, and for a device without a network."""

    two_lines: str
    on_host: str
    on_device: str


def read_recipes(release: str) -> Recipes:
    """Take a release's commands out of the pages.

    Raises:
        FaceageError: they are not where they are looked for.
    """
    maker = (ROOT / "docs" / "maker.md").read_text(encoding="utf-8")
    engineer = (ROOT / "docs" / "engineer.md").read_text(encoding="utf-8")
    two_lines = _blocks(maker, f"**{release.capitalize()}**")[0]
    on_host, on_device = _blocks(engineer, "## Devices without a network")[:2]
    if release == "trixie":
        # As the page says in words.
        on_host = on_host.replace("3.11", "3.13")
        on_host, on_device = (
            text.replace("device-bookworm.txt", "device.txt") for text in (on_host, on_device)
        )
    return Recipes(two_lines, on_host, on_device)


def _blocks(page: str, behind: str) -> list[str]:
    """The shell blocks behind some words of a page, each of two commands."""
    found = re.findall(r"^```sh\n(.*?)^```$", page.partition(behind)[2], re.DOTALL | re.MULTILINE)
    if not found or found[0].count("\n") != 2:
        raise FaceageError(f"there is no block of two commands behind {behind!r}: mend this leg")
    return found


def run(release: str, cache: Path) -> None:
    """Run both recipes and print what held."""
    recipes = read_recipes(release)
    with arm_programs_run(), TemporaryDirectory(dir=cache) as folder:
        guest = build_whole_root(cache, release).copy(Path(folder, "root"))
        _clone(guest.root / CLONE)
        guest.sh(f"cd /{CLONE}\n{recipes.two_lines}")
        print(f"{release}: two lines of maker.md: {_look(guest, CLONE)}", flush=True)
        _prepare_device(guest.root, recipes.on_host)
        guest.sh(f"cd /{DEVICE}\n{recipes.on_device}", network=False)
        print(f"{release}: wheelhouse of engineer.md: {_look(guest, DEVICE)}", flush=True)


def _clone(target: Path) -> None:
    """What a clone of this checkout holds, with what is not committed yet."""
    target.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)


def _prepare_device(root: Path, on_host: str) -> None:
    """Collect the wheels on this machine, and copy what the page says to the device."""
    run_quietly(["bash", "-euc", on_host], cwd=root / CLONE)
    for name in ("wheelhouse", "constraints"):
        shutil.copytree(root / CLONE / name, root / DEVICE / name)


def _look(guest: WholeRoot, folder: str) -> str:
    """Run what was installed.

    Raises:
        FaceageError: it does not see what this machine sees, or its doctor finds more wrong.
    """
    frames = scene()
    here = subprocess.run(
        [sys.executable, "-m", "faceage_edge.camera", *CAMERA],
        input=frames, capture_output=True, check=True,
    )  # fmt: skip
    program = f"/{folder}/.venv/bin/faceage-camera"
    there = guest.sh(f"{program} {' '.join(CAMERA)}", stdin=frames, network=False)
    years = years_apart(results(here.stdout), results(there))
    if years > YEARS:
        raise FaceageError(f"ages differ by {years:.2f} years, allowed are {YEARS}")
    # 1 where something is broken, and a camera is.
    report = json.loads(guest.sh(f"{program} --doctor --json || test $? = 1", network=False))
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    wrong = {name: states.get(name) for name in SOFTWARE if states.get(name) != "ok"}
    if wrong:
        raise FaceageError(f"the doctor says {wrong} of {report}")
    return (
        f"ages within {years:.2f} years of this machine's, and the doctor finds the software well"
    )


def main() -> int:
    """Run the leg."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("release", choices=["bookworm", "trixie"])
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    try:
        run(options.release, options.cache)
    except FaceageError as error:
        print(f"{options.release}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
