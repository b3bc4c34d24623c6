"""picamera2 without a camera: libcamera's virtual one plays pictures with a face to our program.

    python -m tests.lab.virtual_camera [--cache DIR]      (in a checkout, on Debian x86-64, as root)

Debian Trixie's own Python, libcamera 0.4 and prctl, with picamera2 from PyPI, in a root file system
of their own. Main stream and lores: the source gives 300 frames, which must be the pictures, and is
opened and closed twenty times more, after which no file and no thread may be left open. Then
`faceage-camera --source picamera2` runs, supervised, and must find the faces that this machine's
program finds in those pictures. Ends with 1 where not.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data
from tests.lab.scene import CACHE

from faceage_benchmarks.arm.debian import unpack_debian
from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import install_project, once
from faceage_edge.errors import FaceageError

ROOT = Path(__file__).resolve().parents[2]
SHIMS = Path(__file__).with_name("virtual")
WIDTH, HEIGHT = 640, 480
FRAMES = 300
# Where the face stands from picture to picture, in pixels; the camera plays them over and over.
# Were they all one, our program would take the camera for frozen.
SHIFTS = (0, 8, 16, 8)
STREAMS = ("picamera2", "picamera2:0:lores")
# JPEG and colour at half resolution cost this much; red for blue or a pixel's shift, much more.
LEVELS = 4.0

DEBIAN = ("python3-minimal", "python3.13", "python3-libcamera", "libcamera-ipa", "python3-prctl")
PICAMERA2 = "picamera2==0.3.38"
# What picamera2 imports, but for what draws on screens and writes DNG files.
WHEELS = ("numpy", "ai-edge-litert", "opencv-python-headless", "pillow", "piexif", "simplejpeg",
          "videodev2", "av", "libarchive-c", "jsonschema", "tqdm")  # fmt: skip
PLATFORMS = ("manylinux_2_27_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")
CAMERA = f"""\
"Virtual0":
  supported_formats:
  - {{width: {WIDTH}, height: {HEIGHT}, frame_rates: [30]}}
  frames:
    path: "/frames/"
  location: "CameraLocationFront"
  model: "virtual"
"""


@dataclass(frozen=True)
class Guest:
    """A root file system, the wheels and our own package, which are mounted into it at a run."""

    root: Path
    wheels: Path
    ours: Path

    def python(self, *arguments: str) -> str:
        """Run its Python to the end; what it wrote on stdout.

        Raises:
            FaceageError: it failed.
        """
        # Mounts of a namespace end with it: nothing is left behind, however the run ends.
        mounts = [f"mount -t proc proc {self.root}/proc", f"mount --rbind /dev {self.root}/dev"]
        for folder in (self.wheels, self.ours):
            mounts.append(f"mount --bind {folder} {self.root}/{folder.name}")
        paths = f"PYTHONPATH=/shims:/{self.ours.name}:/{self.wheels.name}"
        run = f"exec env -i PATH=/usr/sbin:/usr/bin PYTHONDONTWRITEBYTECODE=1 {paths} chroot"
        script = " && ".join([*mounts, f'{run} {self.root} /usr/bin/python3.13 "$@"'])
        return run_quietly(["unshare", "--mount", "sh", "-c", script, "guest", *arguments])


def build(cache: Path) -> Guest:
    """Build or reuse the parts, and put this checkout's package and pictures in anew."""
    ensure_tools()
    cache.mkdir(parents=True, exist_ok=True)
    root = once(
        cache / "trixie-amd64-libcamera",
        lambda at: unpack_debian(at, suite="trixie", architecture="amd64", packages=DEBIAN),
    )
    pins = ROOT / "constraints" / "device.txt"
    named = pins.read_bytes() + " ".join((PICAMERA2, *WHEELS)).encode()
    wheels = once(
        cache / f"wheels-amd64-{hashlib.sha256(named).hexdigest()[:12]}",
        lambda at: _fetch(at, pins),
    )
    ours = cache / "ours"
    shutil.rmtree(ours, ignore_errors=True)
    install_project(ROOT, ours)
    for name in ("proc", "dev", "shims", "frames", wheels.name, ours.name):
        (root / name).mkdir(exist_ok=True)
    _equip(root)
    return Guest(root, wheels, ours)


def _fetch(target: Path, pins: Path) -> None:
    print("fetching picamera2 and the wheels (once)", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(target)]
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    run_quietly(
        [*pip, *platforms, "--python-version", "3.13", "--implementation", "cp",
         "--only-binary=:all:", "-c", str(pins), *WHEELS]
    )  # fmt: skip
    run_quietly([*pip, "--no-deps", PICAMERA2])


def _equip(root: Path) -> None:
    """Put in the pictures, the camera that plays them, and what is missing of a Pi."""
    for number, picture in enumerate(pictures()):
        cv2.imwrite(str(root / "frames" / f"{number}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    camera = root / "usr/share/libcamera/pipeline/virtual/virtual.yaml"
    camera.parent.mkdir(parents=True, exist_ok=True)
    camera.write_text(CAMERA)
    for name in ("sitecustomize.py", "reopen.py"):
        shutil.copy(SHIMS / name, root / "shims" / name)
    library = root / "shims" / "dma_heap.so"
    run_quietly(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SHIMS / "dma_heap.c")])
    (root / "etc" / "ld.so.preload").write_text("/shims/dma_heap.so\n")


def pictures() -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """NASA's photograph on grey, uint8 (480, 640, 3), BGR, once for each shift."""
    photograph = data.astronaut()[:HEIGHT, :, ::-1]
    frames = []
    for shift in SHIFTS:
        frame = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        frame[:, 60 + shift : 60 + shift + photograph.shape[1]] = photograph
        frames.append(frame)
    return frames


def check_pictures(folder: Path, source: str) -> list[Path]:
    """Hold the pictures that the source gave against those that the camera played.

    Returns:
        Their files, one for each place where the face stands.

    Raises:
        FaceageError: one differs, or is missing.
    """
    files = sorted(folder.iterdir())
    shown = {shift: picture.astype(int) for shift, picture in zip(SHIFTS, pictures(), strict=True)}
    found = {}
    for file in files:
        seen = cv2.imread(str(file))
        levels = {shift: float(np.abs(seen - picture).mean()) for shift, picture in shown.items()}
        shift = min(levels, key=lambda one: levels[one])
        found[shift] = levels[shift]
    if set(found) != set(shown) or len(files) != len(shown) or max(found.values()) > LEVELS:
        raise FaceageError(f"{source}: {len(files)} different pictures, this far off: {found}")
    print(
        f"{source}: pictures within {max(found.values()):.1f} grey levels of the files, on average"
    )
    return files


def look_at(files: list[Path]) -> list[dict[str, Any]]:
    """The one face of each picture, as this machine's program finds it."""
    command = [sys.executable, "-m", "faceage_edge.camera", "--every-frame", "--source"]
    faces = []
    for file in files:
        done = subprocess.run([*command, str(file)], capture_output=True, check=True)
        (face,) = json.loads(done.stdout)["faces"]
        faces.append(face)
    return faces


def check_faces(text: str, expected: list[dict[str, Any]], source: str) -> None:
    """Hold the results against what this machine's program finds in the same pictures.

    Raises:
        FaceageError: a frame is missing, or has not that one face.
    """
    results = [json.loads(line) for line in text.splitlines()]
    if len(results) != FRAMES or any(len(result["faces"]) != 1 for result in results):
        counts = sorted({len(result["faces"]) for result in results})
        raise FaceageError(f"{source}: {len(results)} results with {counts} faces")
    boxes = {tuple(result["faces"][0]["box"]) for result in results}
    ages = [result["faces"][0]["age"] for result in results]
    readings = [face["age"] for face in expected]
    said = f"{source}: {FRAMES} frames, ages {min(ages)} to {max(ages)}, of one picture {readings}"
    # A person's age is the mean of what was read: it lies between the readings, but for rounding.
    between = min(readings) - 0.1 <= min(ages) and max(ages) <= max(readings) + 0.1
    if boxes != {tuple(face["box"]) for face in expected} or not between or results[-1]["restarts"]:
        raise FaceageError(f"{said}; boxes {sorted(boxes)}, which is not what is in the pictures")
    print(f"{said}; the boxes are equal")


def check_traces(text: str, source: str) -> None:
    """Hold what is open after twenty reopenings against what was before.

    Raises:
        FaceageError: frames are missing or something is left.
    """
    found = json.loads(text)
    if found["frames"] != FRAMES or found["after"] != found["before"]:
        raise FaceageError(f"{source}, opened and closed twenty times: {found}")
    files, threads = found["after"]
    print(f"{source}: opened and closed twenty times more, {files} files and {threads} threads")


def run(cache: Path) -> None:
    """Run the leg and print what held."""
    guest = build(cache)
    size = ["--width", str(WIDTH), "--height", str(HEIGHT), "--max-frames", str(FRAMES)]
    for source in STREAMS:
        seen = guest.root / "seen"
        shutil.rmtree(seen, ignore_errors=True)
        seen.mkdir()
        check_traces(guest.python("/shims/reopen.py", source, "/seen"), source)
        expected = look_at(check_pictures(seen, source))
        camera = ["-m", "faceage_edge.camera_entry", "--source", source, "--every-frame", *size]
        check_faces(guest.python(*camera), expected, source)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    try:
        run(parser.parse_args().cache)
    except FaceageError as error:
        print(f"virtual camera: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
