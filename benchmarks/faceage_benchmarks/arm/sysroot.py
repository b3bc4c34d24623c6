"""An ARM root file system with Python and the real ARM wheels, built once and cached.

Nothing in it runs natively and nothing is mounted: a Debian base is unpacked, wheels are put
beside it by the host's pip, and qemu-user runs the interpreter found there.
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from faceage_benchmarks.arm.debian import unpack_debian
from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_edge.errors import FaceageError

__all__ = [
    "BOOKWORM",
    "CPUS",
    "Board",
    "Sysroot",
    "build_sysroot",
    "cpuinfo",
    "install_project",
    "once",
]

# The two boards people have: Raspberry Pi 4 (no dot product) and 5. The part numbers and feature
# words are what their kernels print in /proc/cpuinfo; LiteRT's cpuinfo library reads them and
# chooses its kernels by them.
CPUS = {
    "cortex-a72": ("0xd08", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a76": (
        "0xd0b",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc "
        "dcpop asimddp",
    ),
}
_BASE = ("python3-minimal", "libstdc++6", "libgcc-s1", "zlib1g", "ca-certificates")
# tflite-runtime's wheels name the newest of these.
_PLATFORMS = (
    "manylinux_2_27_aarch64",
    "manylinux_2_28_aarch64",
    "manylinux2014_aarch64",
    "manylinux_2_34_aarch64",
)


@dataclass(frozen=True)
class Board:
    """A system that is emulated: the Debian release, its Python, and the packages put there."""

    suite: str = "bookworm"
    python: str = "3.11"
    packages: tuple[str, ...] = ("numpy", "ai-edge-litert", "opencv-python-headless")


BOOKWORM = Board()


@dataclass(frozen=True)
class Sysroot:
    """Where the parts lie: the root file system, the wheels, the counting plugin."""

    root: Path
    site: Path
    plugin: Path
    python: str = BOOKWORM.python

    def choose_cpu(self, cpu: str) -> None:
        """Write the /proc/cpuinfo of a processor into the root file system."""
        (self.root / "proc").mkdir(exist_ok=True)
        (self.root / "proc" / "cpuinfo").write_text(cpuinfo(cpu))


def cpuinfo(cpu: str) -> str:
    """Return what the kernel of a board with one such processor shows in /proc/cpuinfo.

    Args:
        cpu: a key of `CPUS`.
    """
    part, features = CPUS[cpu]
    return (
        f"processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: {features}\n"
        f"CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
        f"CPU part\t: {part}\nCPU revision\t: 3\n"
    )


def build_sysroot(
    cache: Path, project: Path, constraints: Path, board: Board = BOOKWORM
) -> Sysroot:
    """Build or reuse the parts, and install the project's wheel anew.

    Args:
        cache: folder for what may be kept between runs, outside the checkout.
        project: checkout whose wheel is tested.
        constraints: pins of the device's packages.
        board: the system to emulate.

    Raises:
        FaceageError: a tool is missing or fails.
    """
    ensure_tools()
    cache.mkdir(parents=True, exist_ok=True)
    root = once(cache / f"{board.suite}-arm64", lambda at: _unpack(at, board))
    named = constraints.read_bytes()
    if board.packages != BOOKWORM.packages:
        named += " ".join(board.packages).encode()
    pins = hashlib.sha256(named).hexdigest()[:12]
    kind = board.python.replace(".", "")
    wheels = once(
        cache / f"wheels-cp{kind}-{pins}", lambda at: _fetch_wheels(at, constraints, board)
    )
    plugin = _plugin(cache)
    site = cache / "site"
    shutil.rmtree(site, ignore_errors=True)
    install_project(project, site)
    # The project's own folder comes first on the guest's path, the cached wheels behind it.
    (site / "wheels").symlink_to(wheels)
    return Sysroot(root, site, plugin, board.python)


def once(target: Path, build: Callable[[Path], None]) -> Path:
    """Build a folder beside its target and rename it, so that a broken build is never reused.

    Args:
        target: where the folder is kept; returned as it is when it exists.
        build: fills the folder it is given.
    """
    if target.exists():
        return target
    beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        build(beside)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _unpack(target: Path, board: Board) -> None:
    packages = (*_BASE, f"python{board.python}")
    unpack_debian(target, suite=board.suite, architecture="arm64", packages=packages)


def _fetch_wheels(target: Path, constraints: Path, board: Board) -> None:
    print("fetching the ARM wheels (once)", file=sys.stderr)
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    run_quietly(
        [
            sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(target),
            *platforms, "--python-version", board.python, "--implementation", "cp",
            "--only-binary=:all:", "-c", str(constraints), *board.packages,
        ]
    )  # fmt: skip


def _plugin(cache: Path) -> Path:
    source = files(__package__).joinpath("counter.c").read_bytes()
    plugin = cache / f"counter-{hashlib.sha256(source).hexdigest()[:12]}.so"
    if not plugin.exists():
        code = cache / "counter.c"
        code.write_bytes(source)
        run_quietly(["gcc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(code)])
    return plugin


def install_project(project: Path, site: Path) -> None:
    """Build a checkout's wheel and unpack it, without what it depends on.

    Args:
        project: the checkout.
        site: the folder that goes onto a Python's path.

    Raises:
        FaceageError: it gives no wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        run_quietly([*pip, "wheel", "-q", "--no-deps", "-w", folder, str(project)])
        wheel = next(Path(folder).glob("*.whl"), None)
        if wheel is None:
            raise FaceageError(f"{project} gave no wheel; run this in a checkout of faceage")
        run_quietly(
            [*pip, "install", "-q", "--no-deps", "--no-compile", "--target", str(site), str(wheel)]
        )
