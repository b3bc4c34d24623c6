"""A V4L2 camera without a camera: the kernel's vivid, in a virtual machine with an ARM processor.

    python -m tests.lab.vivid [--cache DIR]      (in a checkout, on Debian x86-64, as root)

Debian Trixie's own kernel boots in an emulated Cortex-A72 from folders of this machine. There
`faceage-camera --source 0` takes 300 frames of /dev/video0 through OpenCV; its worker is killed
after a third of them, its camera is unplugged after two, by the driver's own control, and the
supervisor must go on with the camera each time. Then the source gives 300 frames and is opened and
closed twenty times more, and nothing may be left open. Ends with 1 where not.
"""

import argparse
import json
import lzma
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.boards import LEGS
from tests.lab.scene import CACHE

from faceage_benchmarks.arm.debian import unpack_debian
from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import build_sysroot, once
from faceage_edge.errors import FaceageError

ROOT = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).with_name("virtual")
TOOLS = {"qemu-system-aarch64": "qemu-system-arm", "depmod": "kmod", "cpio": "cpio"}
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "vivid")
FRAMES = 300
# Ours on an emulated processor, with another one's load beside it.
LIMIT_S = 1800


def build_kernel(cache: Path) -> Path:
    """A folder with `vmlinuz` and `initrd`, which holds busybox and the modules for `init`."""
    return once(cache / "trixie-arm64-kernel", _unpack_kernel)


def _unpack_kernel(target: Path) -> None:
    with TemporaryDirectory(dir=target.parent) as folder:
        tree = Path(folder)
        packages = ("linux-image-arm64", "busybox-static")
        unpack_debian(tree, suite="trixie", architecture="arm64", packages=packages)
        (image,) = (tree / "boot").glob("vmlinuz-*")
        version = image.name.removeprefix("vmlinuz-")
        shutil.copy(image, target / "vmlinuz")
        run_quietly(["depmod", "-b", str(tree), version])
        early = tree / "early"
        for name in ("bin", "dev", "proc", "sys", "new"):
            (early / name).mkdir(parents=True)
        shutil.copy(tree / "usr" / "bin" / "busybox", early / "bin" / "busybox")
        _copy_modules(tree / "lib" / "modules" / version, early / "lib" / "modules" / version)
        early.rename(target / "early")


def _copy_modules(source: Path, target: Path) -> None:
    """Copy the modules that are wanted and what they need, unpacked, with their list."""
    listed = dict(line.split(":") for line in (source / "modules.dep").read_text().splitlines())
    by_name = {Path(file).name.split(".")[0].replace("-", "_"): file for file in listed}
    lines = []
    # What is built into the kernel has no file.
    wanted = [by_name[name] for name in MODULES if name in by_name]
    needed = dict.fromkeys(file for one in wanted for file in (one, *listed[one].split()))
    for file in needed:
        plain = target / file.removesuffix(".xz")
        plain.parent.mkdir(parents=True, exist_ok=True)
        packed = (source / file).read_bytes()
        plain.write_bytes(lzma.decompress(packed) if file.endswith(".xz") else packed)
        lines.append(f"{file}:{listed[file]}\n".replace(".xz", ""))
    (target / "modules.dep").write_text("".join(lines))


def _pack_early(kernel: Path, to: Path) -> None:
    """Pack the first root file system, with this checkout's `init`."""
    early = to.with_name("early")
    shutil.copytree(kernel / "early", early)
    shutil.copy(GUEST / "init", early / "init")
    (early / "init").chmod(0o755)
    run_quietly(["sh", "-c", f"find . | cpio -o -H newc --quiet > {to}"], cwd=early)


def boot(cache: Path, out: Path) -> None:
    """Boot the machine and wait until it has switched itself off; its files are then in `out`.

    Raises:
        FaceageError: it cannot be built, or does not come to its end.
    """
    ensure_tools(TOOLS)
    board = LEGS["trixie"]
    sysroot = build_sysroot(cache, ROOT, ROOT / "constraints" / board.constraints, board.board)
    for name in ("site", "wheels", "out", "proc", "sys", "dev"):
        (sysroot.root / name).mkdir(exist_ok=True)
    # The emulation of single programs keeps its own there.
    (sysroot.root / "proc" / "cpuinfo").unlink(missing_ok=True)
    kernel = build_kernel(cache)
    for script in ("control.py", "reopen.py", "supervised.py"):
        shutil.copy(GUEST / script, out / script)
    with TemporaryDirectory() as folder:
        early = Path(folder, "initrd")
        _pack_early(kernel, early)
        wheels = (sysroot.site / "wheels").resolve()
        shares = {"root": sysroot.root, "site": sysroot.site, "wheels": wheels, "out": out}
        command = [
            "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "2G",
            "-nographic", "-no-reboot", "-net", "none", "-kernel", str(kernel / "vmlinuz"),
            "-initrd", str(early), "-append", "console=ttyAMA0 quiet panic=1",
        ]  # fmt: skip
        for name, path in shares.items():
            share = f"local,id={name},path={path},security_model=none,multidevs=remap"
            command += ["-fsdev", share]
            command += ["-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]
        try:
            run_quietly(command, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as error:
            raise FaceageError(f"the machine has not ended within {LIMIT_S} s") from error


def check(out: Path) -> str:
    """Hold what the machine left against what was asked.

    Raises:
        FaceageError: frames are missing, or something was left open.
    """
    said = (out / "said").read_text() if (out / "said").exists() else "nothing"
    if not (out / "code").exists() or (out / "code").read_text().strip() != "0":
        raise FaceageError(f"vivid: the machine's program failed and said: {said[-800:]}")
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    if "the camera was lost" not in said:
        raise FaceageError(f"vivid: nothing was lost when it was unplugged; said: {said[-800:]}")
    # One more, if the worker died between a result and its beat.
    if len(results) not in (FRAMES, FRAMES + 1):
        raise FaceageError(f"vivid: {len(results)} results, expected {FRAMES}; said: {said[-800:]}")
    restarts = [result["restarts"] for result in results]
    if restarts[0] or restarts[-1] < 2 or restarts != sorted(restarts):
        raise FaceageError(
            f"vivid: restarts {sorted(set(restarts))}, expected 0 to 2; {said[-800:]}"
        )
    found = json.loads((out / "reopened.json").read_text())
    if found["frames"] != FRAMES or found["after"] != found["before"]:
        raise FaceageError(f"vivid, opened and closed twenty times: {found}")
    files, threads = found["after"]
    first = next(line for line in said.splitlines() if line.startswith("faceage-camera"))
    return (
        f"{first}\nvivid: {FRAMES} results over a worker's death and an unplugged camera; "
        f"reopened: {files} files and {threads} threads"
    )


def main() -> int:
    """Run the leg."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    cache = parser.parse_args().cache
    try:
        with TemporaryDirectory() as folder:
            boot(cache, Path(folder))
            print(check(Path(folder)))
    except FaceageError as error:
        print(f"vivid: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
