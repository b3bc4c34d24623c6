"""A real window on a screen that is none: `faceage-camera --window` under Xvfb.

    python -m tests.lab.window [--cache DIR]      (in a checkout, on Debian; root the first time)

With the OpenCV that opens windows in place of the installed one: without a screen the program must
say so, once; on one its window must come, as large as the picture, and q must end the run with 0.
Ends with 1 where not.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from skimage import data
from tests.lab.scene import CACHE

from faceage_benchmarks.arm.host_tools import ensure_tools, run_quietly
from faceage_benchmarks.arm.sysroot import once
from faceage_edge.errors import FaceageError

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool"}
SIZE = (320, 240)
SCREEN = ":97"
LIMIT_S = 60


def _fetch(target: Path) -> None:
    print("fetching the OpenCV that opens windows (once)", file=sys.stderr)
    pins = ROOT / "constraints" / "device.txt"
    run_quietly(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target),
         "-c", str(pins), "opencv-python"]
    )  # fmt: skip


def _film(folder: Path) -> Path:
    """A face that moves by some pixels, to and fro."""
    path, (width, height) = folder / "face.mp4", SIZE
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, SIZE)
    for shift in (*range(8), *range(8, 0, -1)):
        left = 60 + 2 * shift
        film.write(data.astronaut()[:height, left : left + width, ::-1].copy())
    film.release()
    return path


@contextmanager
def _camera(opencv: Path, film: Path, **more: str) -> Iterator["subprocess.Popen[str]"]:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    environment["PYTHONPATH"] = os.pathsep.join([str(opencv), os.environ.get("PYTHONPATH", "")])
    words = ["--source", str(film), "--rate", "10", "--window"]
    process = subprocess.Popen(
        [sys.executable, "-m", "faceage_edge.camera_entry", *words], env=environment | more,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def without_screen(opencv: Path, film: Path) -> None:
    """It must be said in a line, with code 1.

    Raises:
        FaceageError: it is not.
    """
    with _camera(opencv, film) as process:
        said = process.communicate(timeout=LIMIT_S)[1]
    if process.returncode != 1 or said.count("\n") != 1 or "opens no window" not in said:
        raise FaceageError(f"without a screen it ends with {process.returncode} and says: {said}")


def on_screen(opencv: Path, film: Path) -> str:
    """Wait for the window, look at its size, and press q.

    Raises:
        FaceageError: it does not come, or the key does not end the run.
    """
    screen = subprocess.Popen(["Xvfb", SCREEN, "-screen", "0", "800x600x24"])
    try:
        with _camera(opencv, film, DISPLAY=SCREEN) as process:
            window = _wait_for_window(process)
            # Its first frame sets the size.
            time.sleep(2)
            told = _xdotool("getwindowgeometry", "--shell", window)
            geometry = dict(line.split("=") for line in told.split())
            _xdotool("key", "--window", window, "q")
            said = process.communicate(timeout=LIMIT_S)[1]
        if process.returncode:
            raise FaceageError(f"q ended the run with code {process.returncode}: {said}")
    finally:
        screen.send_signal(signal.SIGTERM)
        screen.wait()
    found = int(geometry["WIDTH"]), int(geometry["HEIGHT"])
    if found != SIZE:
        raise FaceageError(f"the window is of {found} pixels, expected {SIZE}")
    return f"a window of {found[0]} x {found[1]} pixels, ended by q"


def _wait_for_window(process: "subprocess.Popen[str]") -> str:
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        if found := _xdotool("search", "--name", "^faceage$"):
            return found.split()[0]
        time.sleep(0.2)
    raise FaceageError("no window came")


def _xdotool(*words: str) -> str:
    environment = {**os.environ, "DISPLAY": SCREEN}
    done = subprocess.run(
        ["xdotool", *words], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def main() -> int:
    """Run the leg."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    cache = parser.parse_args().cache
    try:
        ensure_tools(TOOLS)
        cache.mkdir(parents=True, exist_ok=True)
        opencv = once(cache / "opencv-with-windows", _fetch)
        with TemporaryDirectory() as folder:
            film = _film(Path(folder))
            without_screen(opencv, film)
            print(f"window: without a screen one message; {on_screen(opencv, film)}")
    except FaceageError as error:
        print(f"window: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
